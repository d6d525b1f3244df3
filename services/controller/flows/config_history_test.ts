import assert from "node:assert/strict";
import { SystemConfig } from "../../../proto/gen/controller.ts";
import { type Bytes, concatBytes, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode, StatusError } from "../../../shared/status/mod.ts";
import { LockId, NO_PRE_HASH } from "../system_config/mod.ts";
import { address, utxoTx } from "../testing/builders.ts";
import { type TestNode, testNode } from "../testing/test_node.ts";

const HASH = await loadSm3();

/** Changes an item in the next block; gives the hash of the transaction. */
async function change(node: TestNode, id: LockId, output: Bytes, preTxHash = NO_PRE_HASH) {
  const raw = utxoTx(HASH, { lockId: id, output, preTxHash });
  assert.equal((await node.controller.send(raw)).code, StatusCode.Success);
  await node.produce(1);
  return raw.tx?.value.transactionHash ?? new Uint8Array();
}

/** A chain whose interval changes in blocks 2 and 4, and whose validators change in block 5. */
async function changedChain() {
  const node = await testNode();
  await node.start();
  await node.produce(1);
  const first = await change(node, LockId.BlockInterval, u32be(6));
  await node.produce(1);
  const second = await change(node, LockId.BlockInterval, u32be(9), first);
  const validators = await change(node, LockId.Validators, concatBytes(address(1), address(5)));
  return { node, first, second, validators };
}

Deno.test("systemConfigFor() gives what was in force for each block", async () => {
  const { node, first, second, validators } = await changedChain();
  const { queries } = node.controller;
  const intervals: [height: bigint, interval: number, preHash: Bytes][] = [
    [0n, 3, NO_PRE_HASH],
    [2n, 3, NO_PRE_HASH],
    [3n, 6, first],
    [4n, 6, first],
    [5n, 9, second],
    [6n, 9, second],
  ];
  for (const [height, interval, preHash] of intervals) {
    const config = await queries.systemConfigFor(height);
    assert.equal(config.blockInterval, interval, `block ${height}`);
    assert.deepEqual(config.blockIntervalPreHash, preHash, `block ${height}`);
    assert.equal(config.validators.length, height > 5n ? 2 : 4, `block ${height}`);
    assert.equal(config.blockLimit, 100);
    assert.deepEqual(config.blockLimitPreHash, NO_PRE_HASH);
  }
  assert.deepEqual((await queries.systemConfigFor(6n)).validatorsPreHash, validators);
});

Deno.test("systemConfigFor() agrees with GetSystemConfig for the next block, also later", async () => {
  const { node } = await changedChain();
  const now = node.controller.queries.systemConfig();
  await node.produce(2);
  node.stop();
  await node.start();
  const { blockLimit: _limit, blockLimitPreHash, quotaLimitPreHash, ...then } = await node
    .controller
    .queries.systemConfigFor(6n);
  assert.equal(blockLimitPreHash.length + quotaLimitPreHash.length, 66);
  const { blockLimit, blockLimitPreHash: _1, quotaLimitPreHash: _2, ...current } = now;
  assert.equal(blockLimit, 0, "6.3 has no such field");
  assert.deepEqual(then, current);
});

Deno.test("GetSystemConfig carries no field that 6.3 does not have", async () => {
  const { node } = await changedChain();
  const bytes = encode(SystemConfig, node.controller.queries.systemConfig());
  const tags = new Set<number>();
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++] ?? 0;
    tags.add(tag >> 3);
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if ((tag & 7) === 2) at += value;
  }
  assert(Math.max(...tags) <= 12, `${[...tags]}`);
});

Deno.test("systemConfigFor() refuses blocks that are further away than the next", async () => {
  const { node } = await changedChain();
  for (const height of [7n, 2n ** 64n - 1n]) {
    await assert.rejects(
      node.controller.queries.systemConfigFor(height),
      (error) => error instanceof StatusError && error.code === StatusCode.NoBlock,
    );
  }
});

Deno.test("a rolled-back node forgets the changes above its height", async () => {
  const { node, first } = await changedChain();
  node.stop();
  // what cloud-op leaves behind: a lower height, the records above it are still there
  node.storage.store({ region: 0, key: u64be(0n), value: u64be(3n) });
  node.executor.executions.length = 4;
  await node.start();
  assert.equal(node.height, 3n);
  const config = node.controller.queries.systemConfig();
  assert.equal(config.blockInterval, 6);
  assert.deepEqual(config.blockIntervalPreHash, first);
  assert.equal(config.validators.length, 4);
  await node.produce(2);
  assert.equal(node.height, 5n);
});
