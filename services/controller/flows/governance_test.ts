import assert from "node:assert/strict";
import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { SystemConfig } from "../../../proto/gen/controller.ts";
import { type Bytes, concatBytes, toHex, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { LockId, NO_PRE_HASH } from "../system_config/mod.ts";
import { address, ADMIN, normalTx, transaction, utxoTx } from "../testing/builders.ts";
import {
  produceBlock,
  proofOf,
  testNet,
  type TestNode,
  testNode,
  testPair,
} from "../testing/test_node.ts";

const HASH = await loadSm3();

async function started(): Promise<TestNode> {
  const node = await testNode();
  await node.start();
  return node;
}

function hashOf({ tx }: RawTransaction): Bytes {
  return tx?.value.transactionHash ?? new Uint8Array();
}

async function codeOf(node: TestNode, raw: RawTransaction): Promise<StatusCode> {
  return (await node.controller.send(raw)).code;
}

function configOf(node: TestNode): SystemConfig {
  return node.controller.queries.systemConfig();
}

/** Sends a change to a node and has it mined. */
async function change(
  node: TestNode,
  lockId: LockId,
  output: Bytes,
  others: { readonly preTxHash?: Bytes; readonly sender?: Bytes; readonly version?: number } = {},
): Promise<Bytes> {
  const raw = utxoTx(HASH, { lockId, output, ...others });
  assert.equal(await codeOf(node, raw), StatusCode.Success);
  await node.produce(1);
  return hashOf(raw);
}

let nonce = 0;

function normal(changes: Parameters<typeof transaction>[1] = {}): RawTransaction {
  return normalTx(HASH, transaction(`${nonce++}`, changes));
}

Deno.test("1000: transactions need the new version from the next admission on", async () => {
  const node = await started();
  const raw = utxoTx(HASH, { lockId: LockId.Version, output: u32be(2) });
  await node.controller.send(raw);
  assert.equal(await codeOf(node, normal({ version: 0 })), StatusCode.Success, "not mined yet");
  await node.produce(1);
  assert.equal(configOf(node).version, 2);
  assert.deepEqual(configOf(node).versionPreHash, hashOf(raw));
  assert.equal(await codeOf(node, normal({ version: 0 })), StatusCode.InvalidVersion);
  assert.equal(await codeOf(node, normal({ version: 2 })), StatusCode.Success);
  const old = utxoTx(HASH, { lockId: LockId.Admin, output: address(7), version: 0 });
  assert.equal(await codeOf(node, old), StatusCode.InvalidVersion);
});

Deno.test("1001: the chain id cannot be changed, the transaction stays without effect", async () => {
  const node = await started();
  const before = encode(SystemConfig, configOf(node));
  await change(node, LockId.ChainId, new Uint8Array(32).fill(9));
  assert.deepEqual(encode(SystemConfig, configOf(node)), before);
  node.stop();
  await node.start();
  assert.deepEqual(encode(SystemConfig, configOf(node)), before);
  assert.equal(await codeOf(node, normal()), StatusCode.Success);
});

Deno.test("1002: only the new admin governs, and the old one until the block", async () => {
  const node = await started();
  const sender = address(0x77);
  const early = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(5), sender });
  assert.equal(await codeOf(node, early), StatusCode.AdminCheckError);
  await change(node, LockId.Admin, sender);
  const late = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(5) });
  assert.equal(await codeOf(node, late), StatusCode.AdminCheckError);
  await change(node, LockId.BlockInterval, u32be(5), { sender });
  assert.equal(configOf(node).blockInterval, 5);
});

Deno.test("1003 and 1004: consensus gets interval and validators with the commit", async () => {
  const node = await started();
  const validators = [address(1), address(9)];
  await node.controller.send(
    utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(8) }),
  );
  const output = concatBytes(...validators);
  await node.controller.send(utxoTx(HASH, { lockId: LockId.Validators, output }));
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  const { config } = await node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  assert.deepEqual(config, { height: 1n, blockInterval: 8, validators });
  const none = await change(node, LockId.Validators, new Uint8Array(), {
    preTxHash: configOf(node).validatorsPreHash,
  });
  assert.deepEqual(configOf(node).validators, [], "an empty set is allowed");
  assert.deepEqual(configOf(node).validatorsPreHash, none);
});

Deno.test("1005: the brake stops normal transactions, empty blocks go on, it can be released", async () => {
  const node = await started();
  const pooled = normal();
  await node.controller.send(pooled);
  const on = utxoTx(HASH, { lockId: LockId.EmergencyBrake, output: new Uint8Array(1) });
  await node.controller.send(on);
  // the block with the brake may have normal transactions: the brake comes after it
  await node.produce(1);
  assert.equal(await codeOf(node, normal()), StatusCode.EmergencyBrake);
  assert.equal((await node.controller.sendBatch([normal()])).code, StatusCode.EmergencyBrake);
  await node.produce(2);
  assert.equal(node.height, 3n);
  const preTxHash = hashOf(on);
  const off = utxoTx(HASH, { lockId: LockId.EmergencyBrake, preTxHash });
  const { code } = await node.controller.sendBatch([off]);
  assert.equal(code, StatusCode.Success);
  await node.produce(1);
  assert.equal(configOf(node).emergencyBrake, false);
  assert.equal(await codeOf(node, normal()), StatusCode.Success);
});

Deno.test("1005: a checking node refuses a block with a normal transaction while the brake is on", async () => {
  const { a, b } = await testPair();
  await a.start();
  await b.start();
  const on = utxoTx(HASH, { lockId: LockId.EmergencyBrake, output: new Uint8Array(1) });
  await a.controller.send(on);
  await b.controller.send(on);
  await produceBlock([a, b]);
  // a proposer that ignores the brake
  a.controller.node.systemConfig = { ...a.controller.node.systemConfig, emergencyBrake: false };
  await a.controller.send(normal());
  const { proposal } = await a.controller.getProposal();
  assert(proposal !== undefined);
  assert.equal(await b.controller.checkProposal(proposal), StatusCode.EmergencyBrake);
});

Deno.test("1006: the admission window and the history of new blocks follow the block limit", async () => {
  const node = await started();
  const mined = normal({ validUntilBlock: 50n });
  await node.controller.send(mined);
  await change(node, LockId.BlockLimit, u64be(5n));
  assert.equal(node.controller.node.systemConfig.blockLimit, 5n);
  const late = normal({ validUntilBlock: 7n });
  assert.equal(await codeOf(node, late), StatusCode.InvalidValidUntilBlock);
  assert.equal(await codeOf(node, normal({ validUntilBlock: 6n })), StatusCode.Success);
  await node.produce(6);
  assert.equal(node.controller.node.history.count, 2, "block 1, made under the old limit");
  assert.equal(await codeOf(node, mined), StatusCode.InvalidValidUntilBlock);
  node.stop();
  await node.start();
  assert.equal(node.controller.node.systemConfig.blockLimit, 5n);
});

Deno.test("A longer output is cut, a shorter one changes nothing", async () => {
  const node = await started();
  await change(node, LockId.BlockInterval, new Uint8Array([0, 0, 0, 6, 1, 2]));
  assert.equal(configOf(node).blockInterval, 6);
  const { blockIntervalPreHash: preTxHash } = configOf(node);
  await change(node, LockId.BlockInterval, new Uint8Array([1, 2]), { preTxHash });
  assert.deepEqual(configOf(node).blockIntervalPreHash, preTxHash);
  await change(node, LockId.BlockInterval, u32be(7), { preTxHash });
  assert.equal(configOf(node).blockInterval, 7);
});

Deno.test("Changes of one item form a chain, each must name the one before", async () => {
  const node = await started();
  const first = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(4) });
  await node.controller.send(first);
  const preTxHash = hashOf(first);
  const chained = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(5), preTxHash });
  assert.equal(await codeOf(node, chained), StatusCode.InvalidPreHash, "the first is not mined");
  const short = utxoTx(HASH, { lockId: LockId.Admin, preTxHash: new Uint8Array(32) });
  assert.equal(await codeOf(node, short), StatusCode.InvalidPreHash, "32 zero bytes are not 33");
  await node.produce(1);
  assert.equal(await codeOf(node, chained), StatusCode.Success);
  const reused = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
  assert.equal(await codeOf(node, reused), StatusCode.InvalidPreHash);
  await node.produce(1);
  assert.equal(configOf(node).blockInterval, 5);
  assert.equal(await codeOf(node, chained), StatusCode.InvalidPreHash);
});

Deno.test("Of two changes of one item in the pool one is mined, the other one is given up", async () => {
  const node = await started();
  const first = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(4) });
  const second = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(5) });
  const other = utxoTx(HASH, { lockId: LockId.Version, output: u32be(0) });
  const { code } = await node.controller.sendBatch([first, second, other]);
  assert.equal(code, StatusCode.Success);
  await node.produce(1);
  assert.equal(configOf(node).blockInterval, 4);
  assert.deepEqual(configOf(node).versionPreHash, hashOf(other));
  await node.produce(1);
  assert.equal(configOf(node).blockInterval, 4);
  assert.equal(node.controller.node.pool.count, 0, "it cannot block the chain");
});

for (const isFresh of [false, true]) {
  const who = isFresh ? "A fresh node" : "A node that was away";
  Deno.test(`${who} joins a chain whose version was changed, nobody bans anybody`, async () => {
    const { nodes, clock } = await testNet(3);
    const [a, b, c] = nodes;
    assert(a !== undefined && b !== undefined && c !== undefined);
    for (const node of isFresh ? [a, b] : nodes) await node.run();
    await clock.settle();
    if (!isFresh) {
      await produceBlock(nodes);
      await clock.settle();
      c.stop();
    }
    const raw = utxoTx(HASH, { lockId: LockId.Version, output: u32be(1) });
    for (const node of [a, b]) await node.controller.send(raw);
    for (let i = 0; i < 3; i++) await produceBlock([a, b]);
    await clock.settle();
    await c.run();
    assert(await clock.advanceUntil(() => c.height === a.height, 300_000));
    assert.equal(configOf(c).version, 1);
    for (let i = 0; i < 2; i++) {
      await produceBlock(nodes);
      await clock.settle();
    }
    for (const node of nodes) {
      assert.equal(node.controller.node.peers.nodes().length, 2, "every node knows both others");
    }
  });
}

Deno.test("Nodes on both sides of a change of the version keep each other", async () => {
  const { a, b, nodes, clock } = await testPair();
  for (const node of nodes) await node.run();
  await clock.settle();
  const raw = utxoTx(HASH, { lockId: LockId.Version, output: u32be(1) });
  for (const node of nodes) await node.controller.send(raw);
  const { proposal } = await a.controller.getProposal();
  assert(proposal !== undefined);
  await a.controller.commitBlock(proposal, proofOf(HASH, proposal));
  // a tells b of block 1, by then of another version than b
  await clock.settle();
  await clock.advance(1_000);
  assert.equal(b.height, 1n, "b fetched the block");
  for (const node of nodes) assert.equal(node.controller.node.peers.nodes().length, 1);
  for (let i = 0; i < 2; i++) await produceBlock(nodes);
});

Deno.test("systemConfigFor() gives the configuration by which a block was made", async () => {
  const node = await started();
  const { queries } = node.controller;
  const first = await change(node, LockId.BlockInterval, u32be(6)); // block 1
  await change(node, LockId.Admin, address(0x77)); // block 2
  const sender = address(0x77);
  const second = await change(node, LockId.BlockInterval, u32be(9), { preTxHash: first, sender });
  const limit = await change(node, LockId.BlockLimit, u64be(2n ** 40n), { sender }); // block 4
  assert.equal(node.height, 4n);
  const rows = [];
  for (let height = 0n; height <= 5n; height++) {
    const config = await queries.systemConfigFor(height);
    rows.push([
      config.blockInterval,
      toHex(config.blockIntervalPreHash),
      toHex(config.admin),
      config.blockLimit,
    ]);
  }
  const none = toHex(NO_PRE_HASH);
  assert.deepEqual(rows, [
    [3, none, toHex(ADMIN), 100],
    [3, none, toHex(ADMIN), 100],
    [6, toHex(first), toHex(ADMIN), 100],
    [6, toHex(first), toHex(sender), 100],
    [9, toHex(second), toHex(sender), 100],
    [9, toHex(second), toHex(sender), 0xffff_ffff],
  ]);
  const next = await queries.systemConfigFor(5n);
  assert.deepEqual(next.blockLimitPreHash, limit);
  assert.deepEqual(next.quotaLimitPreHash, NO_PRE_HASH);
  assert.equal(next.quotaLimit, 0);
  assert.deepEqual(
    { ...next, quotaLimitPreHash: new Uint8Array(), blockLimitPreHash: new Uint8Array() },
    { ...configOf(node), blockLimit: 0xffff_ffff },
    "besides the limits it is the current one",
  );
  node.stop();
  await node.start();
  assert.deepEqual(await node.controller.queries.systemConfigFor(5n), next, "also after a restart");
  await assert.rejects(queries.systemConfigFor(6n), { code: StatusCode.NoBlock });
  await assert.rejects(queries.systemConfigFor(2n ** 64n - 1n), { code: StatusCode.NoBlock });
  node.storage.isAway = true;
  await assert.rejects(queries.systemConfigFor(1n), { code: StatusCode.NoTransaction });
});

Deno.test("systemConfig() leaves the fields of newer versions out", async () => {
  const node = await started();
  const { quotaLimit, quotaLimitPreHash, blockLimit, blockLimitPreHash } = configOf(node);
  assert.deepEqual([quotaLimit, blockLimit], [0, 0]);
  assert.deepEqual([quotaLimitPreHash.length, blockLimitPreHash.length], [0, 0]);
});
