import assert from "node:assert/strict";
import type { RawTransaction, Transaction } from "../../../proto/gen/blockchain.ts";
import { RawTransactions } from "../../../proto/gen/blockchain.ts";
import { u32be } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { MODULE } from "../node_manager/mod.ts";
import { LockId } from "../system_config/mod.ts";
import { address, ADMIN, normalTx, transaction, utxoTx } from "../testing/builders.ts";
import { produceBlock, testNet, type TestNode, testNode, testPair } from "../testing/test_node.ts";

const HASH = await loadSm3();

async function started(): Promise<TestNode> {
  const node = await testNode();
  await node.start();
  return node;
}

function raw(nonce: string): RawTransaction {
  return normalTx(HASH, transaction(nonce));
}

function forged(nonce: string): RawTransaction {
  const { tx } = raw(nonce);
  assert(tx?.$case === "normalTx");
  const witness = { signature: new Uint8Array(128), sender: address(1) };
  return { tx: { $case: "normalTx", value: { ...tx.value, witness } } };
}

Deno.test("send() answers 127 to a pooled transaction and does not verify it again", async () => {
  const node = await started();
  assert.equal((await node.controller.send(raw("1"))).code, StatusCode.Success);
  assert.equal((await node.controller.send(raw("1"))).code, StatusCode.DupTransaction);
  assert.deepEqual(node.kms.checkedCounts, [1]);
});

Deno.test("send() of one transaction twice at the same time pools it once", async () => {
  const node = await started();
  const outcomes = await Promise.all([
    node.controller.send(raw("1")),
    node.controller.send(raw("1")),
  ]);
  const codes = outcomes.map(({ code }) => code).toSorted((a, b) => a - b);
  assert.deepEqual(codes, [StatusCode.Success, StatusCode.DupTransaction]);
  assert.deepEqual(node.kms.checkedCounts, [1]);
});

Deno.test("send() reports a field before a signature, sendBatch() the other way round", async () => {
  const node = await started();
  const { tx } = normalTx(HASH, transaction("1", { version: 1 }));
  assert(tx?.$case === "normalTx");
  const witness = { signature: new Uint8Array(128), sender: address(1) };
  const bad: RawTransaction = { tx: { $case: "normalTx", value: { ...tx.value, witness } } };
  assert.equal((await node.controller.send(bad)).code, StatusCode.InvalidVersion);
  assert.equal((await node.controller.sendBatch([bad])).code, StatusCode.SigCheckError);
});

Deno.test("sendBatch() pools all or nothing", async () => {
  const node = await started();
  const mixed = await node.controller.sendBatch([raw("1"), forged("2"), raw("3")]);
  assert.equal(mixed.code, StatusCode.SigCheckError);
  assert.equal(node.controller.node.pool.count, 0);
  const good = await node.controller.sendBatch([raw("1"), raw("1"), raw("2")]);
  assert.equal(good.hashes.length, 2);
  const again = await node.controller.sendBatch([raw("2"), raw("3")]);
  assert.deepEqual(again.hashes, [raw("3").tx?.value.transactionHash]);
  assert.deepEqual(await node.controller.sendBatch([]), { code: 0, hashes: [] });
  const none = await node.controller.sendBatch([{ tx: undefined }]);
  assert.equal(none.code, StatusCode.NoneRawTx);
});

Deno.test("send() tells when the kms is away", async () => {
  const node = await started();
  node.kms.isAway = true;
  assert.equal((await node.controller.send(raw("1"))).code, StatusCode.KmsServerNotReady);
  assert.equal((await node.controller.sendBatch([raw("1")])).code, StatusCode.KmsServerNotReady);
});

Deno.test("send() looks again when a block came while the signature was verified", async () => {
  const node = await started();
  const { kms } = node;
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = kms.checkTransactions.bind(kms);
  let calls = 0;
  kms.checkTransactions = async (raws) => {
    if (calls++ === 1) await promise;
    return await check(raws);
  };
  await node.controller.send(raw("1"));
  const late = node.controller.send(normalTx(HASH, transaction("2", { validUntilBlock: 1n })));
  await node.produce(1);
  resolve();
  assert.equal((await late).code, StatusCode.InvalidValidUntilBlock);
});

Deno.test("send() forwards what comes within a moment in one message", async () => {
  const { nodes, clock } = await testNet(3);
  for (const node of nodes) await node.run();
  await clock.settle();
  const [first, ...others] = nodes;
  assert(first !== undefined);
  first.network.sent.length = 0;
  await Promise.all(["1", "2", "3"].map((nonce) => first.controller.send(raw(nonce))));
  await clock.advance(50);
  assert.deepEqual(first.network.sentTypes, ["send_txs", "send_txs"]);
  const [message] = first.network.sent;
  assert.equal(decode(RawTransactions, message?.msg ?? new Uint8Array()).body.length, 3);
  for (const other of others) assert.equal(other.controller.node.pool.count, 3);
  first.network.sent.length = 0;
  await first.controller.send(raw("4"));
  await clock.advance(50);
  assert.deepEqual(first.network.sentTypes, ["send_tx", "send_tx"]);
  for (const other of others) {
    assert.equal(other.controller.node.pool.count, 4);
    assert(!other.network.sentTypes.includes("send_tx"), "nobody forwards again");
  }
});

Deno.test("send() tells peers later of what it accepted before it knew one", async () => {
  const { nodes, clock } = await testNet(3);
  const [first, ...others] = nodes;
  assert(first !== undefined);
  await first.run();
  await first.controller.send(raw("1"));
  await clock.advance(2_000);
  assert.deepEqual(first.network.sentTypes.filter((type) => type.startsWith("send_tx")), []);
  for (const other of others) await other.run();
  await clock.advance(2_000);
  for (const other of others) assert.equal(other.controller.node.pool.count, 1);
  first.network.sent.length = 0;
  await clock.advance(5_000);
  assert(!first.network.sentTypes.includes("send_txs"), "it is told once");
});

Deno.test("sendBatch() forwards the whole list, also when all of it is known", async () => {
  const { nodes, clock } = await testNet(2);
  for (const node of nodes) await node.run();
  await clock.settle();
  const [first] = nodes;
  assert(first !== undefined);
  await first.controller.sendBatch([raw("1"), raw("2")]);
  first.network.sent.length = 0;
  await first.controller.sendBatch([raw("1"), raw("2")]);
  assert.deepEqual(first.network.sentTypes, ["send_txs"]);
});

Deno.test("sendBatch() cuts a list that does not fit into one message", async () => {
  const { nodes, clock } = await testNet(2);
  for (const node of nodes) await node.run();
  await clock.settle();
  const [first, second] = nodes;
  assert(first !== undefined && second !== undefined);
  first.network.sent.length = 0;
  const data = new Uint8Array(1_500_000);
  const large = ["1", "2", "3", "4", "5"].map((n) => normalTx(HASH, transaction(n, { data })));
  await first.controller.sendBatch(large);
  assert.deepEqual(first.network.sentTypes, ["send_txs", "send_txs", "send_txs"]);
  assert(first.network.sent.every(({ msg }) => msg.length < 4_300_000));
  await clock.settle();
  assert.equal(second.controller.node.pool.count, 5);
});

Deno.test("enable_forward = false keeps transactions to this node", async () => {
  const { nodes, clock } = await testNet(2, { enableForward: false });
  for (const node of nodes) await node.run();
  await clock.settle();
  const [first] = nodes;
  assert(first !== undefined);
  first.network.sent.length = 0;
  await first.controller.send(raw("1"));
  await first.controller.sendBatch([raw("2")]);
  await clock.advance(100);
  assert.deepEqual(first.network.sentTypes, []);
});

Deno.test("A forwarded list keeps its good transactions when one does not fit here", async () => {
  const node = await started();
  const send = (body: RawTransaction[]) =>
    node.controller.processNetworkMsg({
      module: MODULE,
      type: "send_txs",
      origin: 1n,
      msg: encode(RawTransactions, { body }),
    });
  const late = normalTx(HASH, transaction("2", { validUntilBlock: 0n }));
  assert.equal(await send([raw("1"), late, raw("3")]), StatusCode.InvalidValidUntilBlock);
  assert.equal(node.controller.node.pool.count, 2);
  assert.equal(await send([raw("1"), raw("4")]), StatusCode.Success);
  assert.equal(await send([raw("5"), forged("6")]), StatusCode.SigCheckError);
  assert.equal(node.controller.node.pool.count, 3);
});

Deno.test("send() and sendBatch() refuse what there is no room for, and take it after a block", async () => {
  const node = await testNode(1, { poolCountMax: 3 });
  await node.start();
  assert.equal((await node.controller.sendBatch([raw("1"), raw("2")])).code, StatusCode.Success);
  const batch = await node.controller.sendBatch([raw("3"), raw("4")]);
  assert.deepEqual(batch, { code: StatusCode.PoolFull, hashes: [] });
  assert.equal(node.controller.node.pool.count, 2);
  assert.equal((await node.controller.sendBatch([raw("1"), raw("2")])).code, StatusCode.Success);
  assert.equal((await node.controller.send(raw("3"))).code, StatusCode.Success);
  assert.equal((await node.controller.send(raw("3"))).code, StatusCode.DupTransaction);
  assert.equal((await node.controller.send(raw("4"))).code, StatusCode.PoolFull);
  const change = utxoTx(HASH, { lockId: LockId.EmergencyBrake });
  assert.equal((await node.controller.send(change)).code, StatusCode.Success);
  await node.produce(1);
  assert.equal((await node.controller.send(raw("4"))).code, StatusCode.Success);
});

Deno.test("what waits for its signature to be verified takes room too", async () => {
  const node = await testNode(1, { poolCountMax: 5 });
  await node.start();
  const codes = (await Promise.all(
    Array.from({ length: 2_000 }, (_, i) => node.controller.send(raw(`${i}`))),
  )).map(({ code }) => code);
  assert(codes.filter((code) => code === StatusCode.Success).length <= 5);
  assert(codes.includes(StatusCode.PoolFull));
});

Deno.test("forged changes of the configuration that wait to be verified are bounded", async () => {
  const node = await started();
  const codes = (await Promise.all(Array.from({ length: 2_000 }, (_, i) => {
    const { tx } = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(i) });
    assert(tx?.$case === "utxoTx");
    const witnesses = [{ signature: new Uint8Array(128), sender: ADMIN }];
    return node.controller.send({ tx: { $case: "utxoTx", value: { ...tx.value, witnesses } } });
  }))).map(({ code }) => code);
  assert(codes.filter((code) => code === StatusCode.PoolFull).length > 1_000);
  const change = utxoTx(HASH, { lockId: LockId.EmergencyBrake });
  assert.equal((await node.controller.send(change)).code, StatusCode.Success);
});

Deno.test("a proposal is verified once, also when it was refused or has no room here", async () => {
  const { a: proposer, b: checker } = await testPair();
  checker.settings = { ...checker.settings, poolCountMax: 1 };
  await proposer.start();
  await checker.start();
  for (const nonce of ["1", "2", "3"]) await proposer.controller.send(raw(nonce));
  for (let round = 0; round < 3; round++) {
    const { proposal } = await proposer.controller.getProposal();
    assert(proposal !== undefined);
    assert.equal(await checker.controller.checkProposal(proposal), StatusCode.Success);
    await proposer.clock.advance(1_000);
  }
  assert.deepEqual(checker.kms.checkedCounts, [3]);
});

Deno.test("a proposal's transactions above the own quota limit stay out of the pool", async () => {
  const { a: proposer, b: checker } = await testPair();
  checker.settings = { ...checker.settings, quotaLimit: 100_000n };
  await proposer.start();
  await checker.start();
  await proposer.controller.send(raw("1"));
  await proposer.controller.send(normalTx(HASH, transaction("2", { quota: 100_000n })));
  const { proposal } = await proposer.controller.getProposal();
  assert(proposal !== undefined);
  assert.equal(await checker.controller.checkProposal(proposal), StatusCode.Success);
  assert.equal(checker.controller.node.pool.count, 1);
});

Deno.test("what no peer has heard of is told once, however often it was sent", async () => {
  const { nodes: [first, second], clock } = await testNet(2);
  assert(first !== undefined && second !== undefined);
  await first.run();
  for (let i = 0; i < 5; i++) await first.controller.sendBatch([raw("1"), raw("2")]);
  await clock.advance(2_000);
  await second.run();
  await clock.advance(2_000);
  const told = first.network.sent.filter(({ type }) => type === "send_txs")
    .flatMap(({ msg }) => decode(RawTransactions, msg).body);
  assert.deepEqual(told, [raw("1"), raw("2")]);
});

Deno.test("a proposal is checked whatever there is room for, and whatever its quota", async () => {
  const { a: proposer, b: checker } = await testPair();
  checker.settings = { ...checker.settings, poolCountMax: 1, quotaLimit: 21_000n };
  await proposer.start();
  await checker.start();
  for (const nonce of ["1", "2", "3"]) await proposer.controller.send(raw(nonce));
  await produceBlock([proposer, checker]);
  assert.equal(checker.height, 1n);
});

Deno.test("send() refuses a quota above the limit after all other fields", async () => {
  const node = await testNode(1, { quotaLimit: 100_000n });
  await node.start();
  const asking = (changes: Partial<Transaction>) => normalTx(HASH, transaction("1", changes));
  const codeOf = async (changes: Partial<Transaction>) =>
    (await node.controller.send(asking(changes))).code;
  assert.equal(await codeOf({ quota: 100_001n }), StatusCode.QuotaUsedExceed);
  assert.equal(await codeOf({ quota: 100_001n, chainId: address(1) }), StatusCode.InvalidChainId);
  const batch = await node.controller.sendBatch([raw("2"), asking({ quota: 100_001n })]);
  assert.equal(batch.code, StatusCode.QuotaUsedExceed);
  const bad = normalTx(HASH, transaction("3", { to: new Uint8Array(19) }));
  const first = await node.controller.sendBatch([asking({ quota: 100_001n }), bad]);
  assert.equal(first.code, StatusCode.QuotaUsedExceed, "the first transaction that is refused");
  assert.equal(await codeOf({ quota: 100_000n }), StatusCode.Success);
});
