import assert from "node:assert/strict";
import { EMPTY_BYTES, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { rawTransactionHash } from "../../../../shared/block/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { PAUSING_ALWAYS } from "../../testing/pausing.ts";
import { SENDER, TestChain, usedQuota } from "../../testing/test_chain.ts";
import { defaultHeader, executorHash } from "./header.ts";
import { readBlock } from "./open_block.ts";
import { findAbi, findCode, findNonce, findReceipt, findReceiptProof } from "./query.ts";

const parts = await loadChainParts();
const [sm3, keccak] = parts.hashes as [HashFunction, HashFunction];

const EMPTY_STATE = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
const STORE = "ffffffffffffffffffffffffffffffffff010000";
const STORE_ABI = "ffffffffffffffffffffffffffffffffff010001";
const AMEND = "ffffffffffffffffffffffffffffffffff010002";
const ENVIRONMENT =
  "466100005245610020523a6100405244610060524161008052426100a052436100c052346100e0524761010052" +
  "32610120523361014052306101605260014303406101805260024303406101a0526000406101c05261dead3f61" +
  "01e0526102006000f3";
const ABI = "5b7b22616269223a317d5d";
const EMPTY_CONTRACT = "f961ee74411318fd8920042eb9ff4facca25556e";

const currentHash = ({ chain }: TestChain) => toHex(executorHash(chain.header, chain.hash));
const used = (receipts: Parameters<typeof usedQuota>[0][]) => receipts.map(usedQuota);
const messages = (receipts: { errorMessage: string }[]) => receipts.map((r) => r.errorMessage);

Deno.test("defaultHeader() has the recorded hash in both builds", () => {
  assert.equal(
    toHex(executorHash(defaultHeader(sm3), sm3)),
    "75a88272c753ad456cdebee34204665277e847288af916f3db52ef71f4c651d1",
  );
  assert.equal(
    toHex(executorHash(defaultHeader(keccak), keccak)),
    "45faf805106ba906d6bd047763fed62bdb52f4b5d3eb766def384a08b270d811",
  );
});

Deno.test("Chain has every recorded hash, root and quota of the specified blocks", () => {
  const test = new TestChain(parts, sm3);
  assert.equal(test.grow().root, EMPTY_STATE);
  assert.equal(
    test.blockHash,
    "2fded6cab7f0e91d8863acde346c37755e7f2afced4f7e3282050271203bf26f",
  );
  assert.equal(
    currentHash(test),
    "1fc0809484e7d64b1eb3bd920e28fc5d28f4c92400dfa5cf88db322c160c69fd",
  );

  const first = test.grow({ to: STORE, data: "abcd", quota: 30_000n });
  assert.equal(first.root, "0474a865ec56b9898b430e2d54a7c2a684714c2b9a16a413c33d6367192f0d90");
  assert.deepEqual(used(first.receipts), [21400]);
  assert.equal(
    toHex(test.chain.header.receiptsRoot),
    "2fbd9d38f4a9788a4f5d62ba06acd35631c33fed332ba64af4f90ec93c80b0d7",
  );
  const blockHash1 = "4b6183ecf92e24394e0a4bb2d089ba83a1ad6b639d381def20ade3b6a0f34098";
  assert.equal(currentHash(test), blockHash1);
  assert.equal(toHex(first.receipts[0]?.blockHash ?? fromHex("")), blockHash1);

  const second = test.grow(
    { value: 5n, quota: 10_000_000n, data: ENVIRONMENT },
    { data: "600456605b00" },
    {},
  );
  assert.equal(second.root, "0634e980d5c6b0dfe13cb986cd301f6d54ad75946b561b033e83cdc45643c645");
  assert.deepEqual(used(second.receipts), [156067, 53012, 53000]);
  assert.deepEqual(second.receipts.map(({ quotaUsed }) => Number(`0x${toHex(quotaUsed)}`)), [
    156067,
    3000000,
    3000000,
  ]);
  assert.deepEqual(second.receipts.map(({ contractAddress }) => toHex(contractAddress)), [
    "4501f8fa1e67827ebfb1f6d5510c606871c5a599",
    "c3120ecd9b1ebc2b2338903b41585f28e99891bf",
    EMPTY_CONTRACT,
  ]);

  const third = test.grow(
    { quota: 1_000_000n, data: "600060006000f060005560206000f3" },
    { to: "00".repeat(19) + "04", data: "01020304" },
    { to: "00".repeat(19) + "05", data: "01020304", quota: 100_000n },
    { to: "01".repeat(20), data: "00ff", version: 3 },
    { to: "01".repeat(20), data: "00ff", version: 3, quota: 21_100n },
  );
  assert.equal(third.root, "efd10636486faaa3b332a4d7442c59679747a67fdff1327f2016db1bf0392056");
  assert.deepEqual(used(third.receipts), [111421, 21018, 100000, 21136, 0]);
  const internal = "EVM internal error.";
  const notEnough = "Not enough base quota.";
  assert.deepEqual(messages(third.receipts), ["", "", internal, "", notEnough]);
  const child = fromHex("9a1938ffc0f5d679b12c5de83043fde8e13f284e");
  assert.equal(BigInt(`0x${toHex(findNonce(test.chain.state, child))}`), 1n);

  const fourth = test.grow(
    { to: STORE_ABI, data: "99".repeat(20) + ABI },
    { to: STORE_ABI, data: EMPTY_CONTRACT },
    { to: STORE_ABI, data: EMPTY_CONTRACT + ABI, quota: 21_000n },
    { to: STORE, data: "ab".repeat(10), quota: 22_000n },
  );
  assert.equal(fourth.root, "e37e8ef60824a9008be0a54861f9a3d51fc491207742efab8065f3003071c49a");
  const malformed = "Malformed transaction.";
  assert.deepEqual(messages(fourth.receipts), [malformed, malformed, notEnough, notEnough]);
  assert.deepEqual(used(fourth.receipts), [0, 0, 0, 0]);
  assert.equal(toHex(findAbi(test.chain.state, fromHex(EMPTY_CONTRACT))), ABI);

  const fifth = test.grow({ to: STORE_ABI, data: EMPTY_CONTRACT + ABI + ABI });
  assert.equal(fifth.root, "755e420debfdfa71fcb706911b8fed80ec42f5694404ad714c4816edabab0ee8");
  assert.deepEqual(used(fifth.receipts), [29400]);
  assert.equal(BigInt(`0x${toHex(findNonce(test.chain.state, fromHex("aa".repeat(20))))}`), 14n);
});

Deno.test("Chain finds out at block 1 that a chain hashes with Keccak, and remembers", () => {
  const test = new TestChain(parts, keccak);
  test.grow();
  test.restart();
  assert.equal(
    test.grow({ to: STORE, data: "abcd", quota: 30_000n }).root,
    "0474a865ec56b9898b430e2d54a7c2a684714c2b9a16a413c33d6367192f0d90",
  );
  for (let round = 0; round < 2; round++) {
    assert.equal(
      test.blockHash,
      "870d5be27438377bdeef9ddb4f9e9ff44082d6f70caf2f9df0641034ae4ebdd5",
    );
    assert.equal(
      currentHash(test),
      "0d861608fc74d957789560b065fd7526fcaf83b78164ad0f160db36bb0f50158",
    );
    test.restart();
  }
  test.grow();
});

Deno.test("Chain shows the genesis as before while block 1 decides the hash function and pauses", () => {
  const test = new TestChain(parts, keccak);
  const genesis = test.build([{ to: STORE, data: "ab" }]);
  test.execute(genesis);
  const shown = () => [currentHash(test), toHex(test.receiptsOf(genesis)[0]!.blockHash)];
  const before = shown();
  const block = readBlock(test.build([{ to: STORE, data: "cd" }]));
  assert(!("refusal" in block));
  const work = test.chain.execute(block, PAUSING_ALWAYS);
  assert(!work.next().done);
  assert.deepEqual(shown(), before);
});

Deno.test("Chain refuses records of another layout and says what to do", () => {
  const test = new TestChain(parts, sm3);
  test.grow();
  const format = Uint8Array.of(7);
  test.records.put([[format, Uint8Array.of(3)]]);
  assert.throws(() => test.restart(), /must be 2, got 3; use the version that wrote it/);
  test.records.delete([format]);
  assert.throws(() => test.restart(), /must be 2, got 1; move it away/);
});

for (const [name, hash] of [["SM3", sm3], ["Keccak", keccak]] as const) {
  Deno.test(`BLOCKHASH of the genesis in block 1 is that of a ${name} chain`, () => {
    const test = new TestChain(parts, hash);
    test.grow();
    // stores BLOCKHASH(0) as code
    const [receipt] = test.grow({ data: "60004060005260206000f3" }).receipts;
    assert.equal(
      toHex(findCode(test.chain.state, receipt!.contractAddress)),
      hash === sm3
        ? "1fc0809484e7d64b1eb3bd920e28fc5d28f4c92400dfa5cf88db322c160c69fd"
        : "a458719e08a4bfd9b9bd26aef0e23f0eaa38df0c31908c94f192fb5d11eb1756",
    );
  });
}

Deno.test("Chain answers blocks that were executed before by comparing their headers", () => {
  const test = new TestChain(parts, sm3);
  const genesis = test.build();
  test.execute(genesis);
  const block = test.build([{}]);
  test.execute(block);
  test.grow();
  for (const known of [genesis, block]) {
    const again = test.execute(known);
    assert(again.kind === "reentered" && again.isSame);
    const empty = test.execute({ ...known, body: { body: [] } });
    assert(empty.kind === "reentered" && empty.isSame, "the body is not compared");
    const other = test.execute({ ...known, version: 1 });
    assert(other.kind === "reentered" && !other.isSame);
  }
  const header = block.header!;
  for (
    const change of [
      { timestamp: 1n },
      { prevhash: new Uint8Array(32) },
      { transactionsRoot: new Uint8Array(32) },
      { proposer: new Uint8Array(20) },
    ]
  ) {
    const other = test.execute({ ...block, header: { ...header, ...change } });
    assert(other.kind === "reentered" && !other.isSame, Object.keys(change).join());
    assert.deepEqual(other.header.height, 1n);
  }
});

Deno.test("Chain executes nothing that does not follow its last block", () => {
  const test = new TestChain(parts, sm3);
  const proposer = new Uint8Array(20);
  assert.equal(test.execute(test.build([], { height: 1n, proposer })).kind, "refused");
  test.grow();
  const before = test.records.entries();
  assert.equal(test.execute(test.build([{}], { height: 2n })).kind, "refused");
  assert.equal(test.execute(test.build([{}], { prevhash: new Uint8Array(32) })).kind, "refused");
  assert.deepEqual(test.records.entries(), before);
  assert.equal(test.grow({}).receipts.length, 1);
});

Deno.test("Chain does not execute a genesis without timestamp twice", () => {
  const test = new TestChain(parts, sm3);
  const genesis = test.build([], { timestamp: 0n });
  test.execute(genesis);
  test.grow();
  const again = test.execute(genesis);
  assert(again.kind === "reentered" && again.isSame);
  assert.equal(test.chain.header.height, 1n);
});

Deno.test("Chain that executes a block again after a crash before the write has the same records", () => {
  const test = new TestChain(parts, sm3);
  test.grow();
  const blocks = [
    [{ data: "602a60005500" }, { to: STORE, data: "01" }],
    [{ data: "600160005260206000f3" }, {}, {}],
    [{ to: AMEND }],
  ];
  for (const transactions of blocks) {
    const lost = new TestChain(parts, sm3, test.records.copy());
    const block = test.build(transactions);
    lost.execute(block);
    test.restart();
    test.execute(block);
    assert.deepEqual(test.records.entries(), lost.records.entries());
    test.restart();
    const again = test.execute(block);
    assert(again.kind === "reentered" && again.isSame);
  }
});

Deno.test("Chain executes a block of more transactions than a call has room for arguments", () => {
  const test = new TestChain(parts, sm3);
  test.grow();
  const count = 130_000;
  const block = test.build(
    Array.from({ length: count }, () => ({ to: "11".repeat(20), quota: 1n })),
  );
  assert.equal(test.execute(block).kind, "executed");
  assert.equal(BigInt(`0x${toHex(findNonce(test.chain.state, fromHex(SENDER)))}`), BigInt(count));
});

Deno.test("Chain that was set back does not show receipts of the blocks above", () => {
  const test = new TestChain(parts, sm3);
  test.grow();
  test.grow();
  const block = test.build([{ to: "11".repeat(20) }]);
  test.execute(block);
  const [raw] = block.body?.body ?? [];
  const hash = (raw && rawTransactionHash(raw)) ?? EMPTY_BYTES;
  assert.equal(findReceipt(test.chain, hash)?.receipt.blockNumber, 2n);
  test.rollBack(1n);
  assert.equal(findReceipt(test.chain, hash), null);
  assert.equal(findReceiptProof(test.chain, hash), null);
});

Deno.test("Chain accepts a block without a body", () => {
  const test = new TestChain(parts, sm3);
  test.grow();
  const executed = test.execute({ ...test.build(), body: undefined });
  assert(executed.kind === "executed");
  assert.equal(toHex(executed.header.stateRoot), EMPTY_STATE);
});

Deno.test("Chain executes a transaction twice that is twice in a block, and shows the last receipt", () => {
  const test = new TestChain(parts, sm3);
  test.grow();
  const hash = "77".repeat(32);
  const { receipts } = test.grow({ hash, to: "01".repeat(20) }, { hash, to: "01".repeat(20) });
  assert.deepEqual(receipts.map(({ transactionIndex }) => transactionIndex), [1n, 1n]);
  assert.equal(BigInt(`0x${toHex(findNonce(test.chain.state, fromHex("aa".repeat(20))))}`), 2n);
});
