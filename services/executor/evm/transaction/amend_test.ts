import assert from "node:assert/strict";
import type { Receipt } from "../../../../proto/gen/evm.ts";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { deploy, RETURN_WORD } from "../../testing/code.ts";
import { TestChain, type TestTransaction, usedQuota } from "../../testing/test_chain.ts";
import { callContract } from "../chain/call.ts";
import { findAbi, findBalance, findCode, findNonce, findSlot } from "../chain/query.ts";
import { finish } from "../work.ts";

const parts = { ...await loadChainParts(), amends: true };
const [sm3] = parts.hashes as [HashFunction];

const AMEND = "ffffffffffffffffffffffffffffffffff010002";
/** Made by the first transaction of the sender. */
const CONTRACT = "3c952d36207c0d52743a646e7ac2649009bd358e";
const OTHER = "0e".repeat(20);
const ABI = "5b7b22616269223a317d5d";

const word = (value: number) => value.toString(16).padStart(64, "0");
const amendment = (value: number | bigint, data: string): TestTransaction => {
  return { to: AMEND, value: BigInt(value), data, quota: 90_000n };
};
const outcome = (receipt: Receipt | undefined) =>
  receipt === undefined ? "none" : `${usedQuota(receipt)} ${receipt.errorMessage}`;

function startedChain(): TestChain {
  const test = new TestChain(parts, sm3);
  test.grow();
  return test;
}

/** What is in the state of an account, in hex. */
function accountOf({ chain: { state } }: TestChain, hex: string) {
  const address = fromHex(hex);
  return {
    code: toHex(findCode(state, address)),
    abi: toHex(findAbi(state, address)),
    balance: toHex(findBalance(state, address)),
    nonce: toHex(findNonce(state, address)),
    slot0: toHex(findSlot(state, address, fromHex(word(0)))),
  };
}

const NOTHING = { code: "", abi: "", balance: word(0), nonce: word(0), slot0: word(0) };

Deno.test("amend() of an abi gives the state root of a transaction that stores it", () => {
  const { root, receipts } = startedChain().grow({ data: "" }, amendment(1, CONTRACT + ABI));
  assert.equal(root, "547aa2609122a6966db8e2846e67140bb95f645b09b4abca5b393d906517dfa3");
  assert.equal(outcome(receipts[1]), "21000 ");
});

Deno.test("amend() of slots gives the state root of a contract that set them", () => {
  const { root, receipts } = startedChain().grow(amendment(3, CONTRACT + word(0) + word(1)));
  assert.equal(root, "c757fdfad9007880b32c6f68751ca0d2a56851ac9a3f8c58025a8dfe7811058b");
  assert.equal(outcome(receipts[0]), "21000 ");
});

Deno.test("amend() sets all slots of its data, removes those set to 0, and ignores a remainder", () => {
  const test = startedChain();
  const pair = (slot: number, value: number) => word(slot) + word(value);
  test.grow(amendment(3, CONTRACT + pair(0, 7) + pair(1, 8) + word(2)));
  const slot = (index: number) =>
    toHex(findSlot(test.chain.state, fromHex(CONTRACT), fromHex(word(index))));
  assert.deepEqual([0, 1, 2].map(slot), [word(7), word(8), word(0)]);
  test.grow(amendment(3, CONTRACT + pair(0, 0)));
  assert.deepEqual([0, 1, 2].map(slot), [word(0), word(8), word(0)]);
});

Deno.test("amend() of the code of an account, also of a new one, is what calls run from then on", () => {
  const test = startedChain();
  const code = "602a" + RETURN_WORD;
  test.grow({ data: deploy("00") }, amendment(2, CONTRACT + code), amendment(2, OTHER + code));
  const call = { from: new Uint8Array(), method: new Uint8Array(), args: [], height: 0n };
  for (const address of [CONTRACT, OTHER]) {
    const answer = finish(callContract(test.chain, { ...call, to: fromHex(address) }));
    assert.deepEqual(answer, { kind: "value", value: fromHex(word(42)) });
  }
});

Deno.test("amend() of a balance sets it, up and down, and makes no account for 0", () => {
  const test = startedChain();
  const { root } = test.grow(amendment(5, OTHER + word(0)));
  const nothingDone = startedChain().grow(amendment(9, ""));
  assert.equal(root, nothingDone.root);
  for (const balance of [69, 5, 70]) {
    test.grow(amendment(5, `${OTHER}${word(balance)}ff`));
    assert.deepEqual(accountOf(test, OTHER), { ...NOTHING, balance: word(balance) });
  }
});

Deno.test("amend() that reads a slot changes nothing", () => {
  const { root, receipts } = startedChain().grow(amendment(4, OTHER + word(0)));
  assert.equal(root, startedChain().grow(amendment(9, "")).root);
  assert.equal(outcome(receipts[0]), "21000 ");
});

Deno.test("amend() looks at the low 32 bits of the value and does nothing for an unknown kind", () => {
  const test = startedChain();
  const high = 1n << 32n;
  const { receipts } = test.grow(
    { data: deploy("00") },
    amendment(high, CONTRACT + ABI),
    amendment(6, ""),
    amendment((high << 100n) + 1n, CONTRACT + ABI),
  );
  assert.deepEqual(receipts.slice(1).map(outcome), ["21000 ", "21000 ", "21000 "]);
  assert.equal(accountOf(test, CONTRACT).abi, ABI);
});

Deno.test("amend() that cannot be carried out uses all quota and changes only the nonce", () => {
  const test = startedChain();
  const before = test.grow(amendment(6, "")).root;
  const bad: [number, string][] = [
    [1, OTHER + ABI], // no such account
    [1, OTHER],
    [2, OTHER],
    [3, OTHER + word(0) + word(1).slice(2)],
    [4, OTHER + word(0).slice(2)],
    [5, OTHER + word(1).slice(2)],
    [5, ""],
  ];
  const { root, receipts } = test.grow(...bad.map(([kind, data]) => amendment(kind, data)));
  assert.deepEqual(receipts.map(outcome), bad.map(() => "90000 EVM internal error."));
  assert.deepEqual(accountOf(test, OTHER), NOTHING);
  assert.notEqual(root, before);
  const { root: expected } = startedChainAfter(8);
  assert.equal(root, expected);
});

/** The state in which the sender has that nonce. */
function startedChainAfter(nonce: number): { root: string } {
  return startedChain().grow(...Array.from({ length: nonce }, () => amendment(6, "")));
}

Deno.test("amend() pays for its data from version 3 on, and needs its base quota", () => {
  const { receipts } = startedChain().grow(
    { ...amendment(2, `${OTHER}00`), version: 3 },
    { ...amendment(2, `${OTHER}00`), quota: 20_999n },
  );
  assert.deepEqual(receipts.map(outcome), [`${21_000 + 68 * 21} `, "0 Not enough base quota."]);
});

Deno.test("the code of a contract stays when its slots or balance are the first a block uses of it", () => {
  const test = startedChain();
  const code = "60005460010160005500";
  test.grow({ data: deploy(code) });
  test.grow(amendment(3, CONTRACT + word(0) + word(5)), { to: CONTRACT });
  test.grow(amendment(5, CONTRACT + word(1)), { to: CONTRACT });
  const balance = word(1);
  assert.deepEqual(accountOf(test, CONTRACT), { ...NOTHING, code, balance, slot0: word(7) });
});

Deno.test("an amendment is a failed transaction unless the configuration allows it", () => {
  const test = new TestChain({ ...parts, amends: false }, sm3);
  test.grow();
  const { receipts } = test.grow(amendment(2, `${OTHER}5b`), amendment(6, ""));
  assert.deepEqual(receipts.map(outcome), [
    "90000 EVM internal error.",
    "90000 EVM internal error.",
  ]);
  assert.deepEqual(accountOf(test, OTHER), NOTHING);
});
