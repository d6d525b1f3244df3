/**
 * Rules that no other EVM has, so that nothing can be compared: by the values of the specification
 * (spec/executor_evm.md, 17.3 and 17.4) and by what it says in so many words.
 */

import assert from "node:assert/strict";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { toHex } from "../../../shared/bytes/mod.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy, push, pushAll } from "../testing/code.ts";
import { SENDER, TestChain, type TestTransaction, usedQuota } from "../testing/test_chain.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

const STORE_ABI = "ffffffffffffffffffffffffffffffffff010001";
/** What the sender creates first. */
const FIRST = "3c952d36207c0d52743a646e7ac2649009bd358e";
const EMPTY_HASH = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
const OK = "";
const REFUSED = "Not enough base quota.";
const OUT_OF_QUOTA = "Out of quota.";

function newChain(): TestChain {
  const test = new TestChain(parts, sm3);
  test.grow();
  return test;
}

/** Error and quota of each transaction of a block. */
function outcomes(test: TestChain, ...transactions: TestTransaction[]): [string, number][] {
  const { receipts } = test.grow(...transactions);
  return receipts.map((receipt) => [receipt.errorMessage, usedQuota(receipt)]);
}

/** Creates a contract of that code; gives its address. */
function contractOf(test: TestChain, code: string, change: TestTransaction = {}): string {
  const [receipt] = test.grow({ data: deploy(code), quota: 2n ** 40n, ...change }).receipts;
  assert.equal(receipt?.errorMessage, OK);
  return toHex(receipt.contractAddress);
}

/** The words that code logs, each as the only topic of a log. */
function loggedBy(test: TestChain, tx: TestTransaction): string[] {
  const [receipt] = test.grow(tx).receipts;
  assert.equal(receipt?.errorMessage, OK);
  return receipt.logs.map(({ topics }) => toHex(topics[0] ?? new Uint8Array()));
}

const LOG_TOP = "60006000a1";
const word = (value: number | bigint | string) =>
  (typeof value === "string" ? value : value.toString(16)).padStart(64, "0");

Deno.test("a transaction that does nothing costs its base, one that cannot pay it counts as sent", () => {
  const test = newChain();
  const nobody = "77".repeat(20);
  assert.deepEqual(
    outcomes(
      test,
      { to: nobody, data: "00ff" },
      { to: nobody, quota: 21_000n },
      { to: nobody, quota: 20_999n },
      { to: nobody, quota: 0n },
      { data: "fe", quota: 100_000n },
      { data: "" },
      { data: "", quota: 52_999n },
      { data: "600160005500" },
    ),
    [
      [OK, 21_000],
      [OK, 21_000],
      [REFUSED, 0],
      [REFUSED, 0],
      ["Instruction is not supported.", 100_000],
      [OK, 53_000],
      [REFUSED, 0],
      [OK, 73_006],
    ],
  );
  // the nonce grew by each of the eight, so that the next contract is the ninth
  const [ninth] = test.grow({ data: "" }).receipts;
  const other = newChain();
  for (let sent = 0; sent < 8; sent++) other.grow({ to: nobody });
  const [same] = other.grow({ data: "" }).receipts;
  assert.equal(toHex(ninth!.contractAddress), toHex(same!.contractAddress));
});

Deno.test("data cost 68 of quota per byte, zero or not, from version 3 on", () => {
  const test = newChain();
  const to = "77".repeat(20);
  for (
    const [version, perByte] of [[0, 0], [1, 0], [2, 0], [3, 68], [4, 68], [
      2 ** 32 - 1,
      68,
    ]] as const
  ) {
    const [call, create] = outcomes(test, { to, data: "0001", version }, { data: "0000", version });
    assert.deepEqual(call, [OK, 21_000 + 2 * perByte]);
    assert.deepEqual(create, [OK, 53_000 + 2 * perByte]);
  }
});

Deno.test("states with a new contract have the specified roots", () => {
  const empty = newChain();
  const created = empty.grow({ data: "" });
  assert.equal(toHex(created.receipts[0]!.contractAddress), FIRST);
  assert.equal(created.root, "f4598e5a42ef02e0bc97dd02f8ff26701a0b9e679c2631880c5d4a0fffd44e6e");
  const abi = toHex(new TextEncoder().encode('[{"abi":1}]'));
  const withAbi = empty.grow({ to: STORE_ABI, data: FIRST + abi });
  assert.equal(withAbi.root, "547aa2609122a6966db8e2846e67140bb95f645b09b4abca5b393d906517dfa3");
  const withSlot = newChain().grow({ data: "600160005500" });
  assert.equal(withSlot.root, "c757fdfad9007880b32c6f68751ca0d2a56851ac9a3f8c58025a8dfe7811058b");
});

Deno.test("a new contract has the nonce 0: its first child is made with that", () => {
  const test = newChain();
  const to = contractOf(
    test,
    [
      pushAll(0, 0, 0) + "f0" + LOG_TOP,
      pushAll(0, 0, 0, 0) + "f5" + LOG_TOP,
    ].join(""),
  );
  assert.equal(to, FIRST);
  assert.deepEqual(loggedBy(test, { to }), [
    word("84a64193a4c6cdc10837ae53e62d3febc8d22bfc"),
    word("22d74360a42709562928d09f82939af1242820cd"),
  ]);
});

Deno.test("the value of a transaction is shown to the code and moves nothing", () => {
  const test = newChain();
  // CALLVALUE, SELFBALANCE, BALANCE of the sender
  const show = ["34", "47", "3331"].map((code) => code + LOG_TOP).join("");
  const to = contractOf(test, show, { value: 7n });
  const value = 2n ** 255n + 1n;
  assert.deepEqual(loggedBy(test, { to, value }), [word(value), word(0), word(0)]);
  assert.deepEqual(loggedBy(test, { data: show, value: 5n }), [word(5), word(0), word(0)]);
  // a value of an inner call is not there to be moved
  const inner = contractOf(test, `${pushAll(0, 0, 0, 0, 1, 0x77, 0)}f1${LOG_TOP}`);
  assert.deepEqual(loggedBy(test, { to: inner, value: 9n }), [word(0)]);
});

Deno.test("code of any size and first byte is deployed for 200 of quota per byte", () => {
  const test = newChain();
  const codes = ["", "ef00", "fe", "00".repeat(24_577), "5b".repeat(60_000)];
  for (const code of codes) {
    const [receipt] = test.grow({ data: deploy(code), quota: 20_000_000n }).receipts;
    assert(receipt !== undefined);
    assert.equal(receipt.errorMessage, OK);
    const exact = BigInt(usedQuota(receipt));
    const [enough, short] = outcomes(
      test,
      { data: deploy(code), quota: exact },
      { data: deploy(code), quota: exact - 1n },
    );
    assert.deepEqual(enough, [OK, Number(exact)]);
    assert.deepEqual(short, [OUT_OF_QUOTA, Number(exact) - 1]);
    const address = toHex(receipt.contractAddress);
    const asker = contractOf(test, `73${address}3b${LOG_TOP}73${address}3f${LOG_TOP}`);
    const [size, hash] = loggedBy(test, { to: asker });
    assert.equal(size, word(code.length / 2));
    assert.equal(hash === EMPTY_HASH, code === "");
  }
});

Deno.test("a creation fails where there is code, or a nonce without code", () => {
  // init code that stops at once, that creates a child first, and that returns a byte of code
  for (
    const [init, isFree] of [["00", true], ["3d3d3df000", false], ["60013df3", false]] as const
  ) {
    const size = init.length / 2;
    const create = `${pushAll(7, size, 32 - size, 0)}f5${LOG_TOP}`;
    const test = newChain();
    const to = contractOf(test, `${push(BigInt(`0x01${init}`))}600052${create}${create}`);
    const [first, second] = loggedBy(test, { to });
    assert.notEqual(first, word(0));
    assert.equal(second, isFree ? first : word(0), init);
  }
});

Deno.test("a contract without code and nonce is created again with empty storage", () => {
  // logs a slot and sets it
  const init = `600054${LOG_TOP}600160005500`;
  const size = init.length / 2;
  const create = `${pushAll(7, size, 32 - size, 0)}f5${LOG_TOP}`;
  const test = newChain();
  const to = contractOf(test, `${push(BigInt(`0x${init}`))}600052${create}${create}`);
  const [before, first, again, second] = loggedBy(test, { to });
  assert.deepEqual([before, again], [word(0), word(0)]);
  assert.equal(second, first);
});

/** Quota of a transaction to code that calls an address with all that it has. */
function quotaOfCalling(test: TestChain, address: string): number {
  const to = contractOf(test, `${pushAll(0, 0, 0, 0, 0)}73${address}5af1`);
  const [[error, quota] = ["none", 0]] = outcomes(test, { to });
  assert.equal(error, OK);
  return quota;
}

Deno.test("a call of an account that does not exist costs 25,000 more, also of a precompiled one", () => {
  const test = newChain();
  const exists = 21_000 + 18 + 2 + 40;
  const [empty] = test.grow({ data: "" }).receipts;
  assert.equal(quotaOfCalling(test, toHex(empty!.contractAddress)), exists);
  assert.equal(quotaOfCalling(test, SENDER), exists);
  assert.equal(quotaOfCalling(test, "77".repeat(20)), exists + 25_000);
  assert.equal(quotaOfCalling(test, word(4).slice(24)), exists + 25_000 + 15);
});

Deno.test("a contract that removes itself is gone from the next transaction on, in the same block", () => {
  const test = newChain();
  const mortal = contractOf(test, `6001${LOG_TOP}33ff`);
  const caller = contractOf(test, `${pushAll(0, 0, 0, 0, 0)}73${mortal}5af1`);
  const receipts = test.grow({ to: caller }, { to: caller }, { to: mortal }).receipts;
  assert.deepEqual(receipts.map(({ logs }) => logs.length), [1, 0, 0]);
  const [, gone, direct] = receipts.map(usedQuota);
  assert.equal(gone, 21_000 + 18 + 2 + 40 + 25_000);
  assert.equal(direct, 21_000);
});

Deno.test("a contract that removes itself again in a transaction gives no second refund", () => {
  const usedBy = (calls: number) => {
    const test = newChain();
    const mortal = contractOf(test, "33ff");
    const call = `${pushAll(0, 0, 0, 0, 0)}73${mortal}5af150`;
    // slots that are set cost so much that half of it does not limit the refund
    const sets = [1, 2, 3, 4].map((slot) => `${pushAll(1, slot)}55`).join("");
    const [receipt] = test.grow({ to: contractOf(test, sets + call.repeat(calls)) }).receipts;
    return receipt === undefined ? NaN : usedQuota(receipt);
  };
  const callGas = 15 + 3 + 2 + 40 + 2 + 2;
  assert.equal(usedBy(1), 21_000 + 4 * 20_006 + callGas - 24_000);
  assert.equal(usedBy(2), usedBy(1) + callGas);
});

Deno.test("a removal that was undone does not stand in the way of a later one", () => {
  const test = newChain();
  const mortal = contractOf(test, "33ff");
  const call = (address: string) => `${pushAll(0, 0, 0, 0, 0)}73${address}5af150`;
  const undone = contractOf(test, `${call(mortal)}60006000fd`);
  const first = contractOf(test, call(undone) + call(undone));
  const second = contractOf(test, call(undone) + call(mortal));
  const size = contractOf(test, `73${mortal}3b${LOG_TOP}`);
  test.grow({ to: first });
  assert.deepEqual(loggedBy(test, { to: size }), [word(2)]);
  test.grow({ to: second });
  assert.deepEqual(loggedBy(test, { to: size }), [word(0)]);
});

Deno.test("a jump into the data of a PUSH is allowed, one elsewhere fails", () => {
  const test = newChain();
  const noDestination = "Jump position wasn't marked with JUMPDEST instruction.";
  const cases: readonly (readonly [code: string, error: string])[] = [
    ["600456605b00", OK],
    [`60055661005b${"00"}`, OK],
    ["6001600757615b00", noDestination],
    ["600356", noDestination],
    [`${push(2n ** 63n)}56`, noDestination],
    [`${push(2n ** 256n - 1n)}56`, noDestination],
  ];
  for (const [code, error] of cases) {
    const to = contractOf(test, code);
    assert.equal(outcomes(test, { to, quota: 100_000n })[0]?.[0], error, code);
  }
});

Deno.test("a block shows chain 1, no difficulty, the largest gas limit and milliseconds", () => {
  const test = newChain();
  const to = contractOf(test, ["46", "44", "45", "42", "3a"].map((op) => op + LOG_TOP).join(""));
  const logged = loggedBy(test, { to });
  const timestamp = 1_600_000_000_000 + 3000 * 2;
  assert.deepEqual(logged, [1n, 0n, 2n ** 64n - 1n, timestamp, 1n].map(word));
});
