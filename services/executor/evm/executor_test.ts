import assert from "node:assert/strict";
import { Block } from "../../../proto/gen/blockchain.ts";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { RefusedError } from "../service.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { MemoryRecords } from "../testing/memory_records.ts";
import { storedNodeKeys } from "../testing/stored_state.ts";
import { readVector, type RecordedExecutor } from "../testing/vectors.ts";
import type { RecordBatch } from "./chain/records.ts";
import { EvmExecutor } from "./executor.ts";
import { nextTurn } from "./schedule/turn.ts";

const parts = await loadChainParts();
const recorded = await readVector<RecordedExecutor>("evm_sm3");
const blocks = recorded.blocks.slice(0, 5).map(({ block_hex }) =>
  decode(Block, fromHex(block_hex))
);
const roots = recorded.blocks.slice(0, 5).map(({ response_hex = "" }) => response_hex.slice(-64));

/** An executor over records in memory, whose store is opened again and again. */
function newExecutor(records: MemoryRecords): { executor: EvmExecutor; opens: () => number } {
  let opens = 0;
  const open = () => {
    opens++;
    return Promise.resolve(records);
  };
  const executor = new EvmExecutor({ ...parts, open, log: SILENT_LOGGER });
  return { executor, opens: () => opens };
}

Deno.test("EvmExecutor executes blocks in the order in which they were sent", async () => {
  const { executor } = newExecutor(new MemoryRecords());
  const answers = await Promise.all(blocks.map((block) => executor.exec(block)));
  assert.deepEqual(answers.map(({ code }) => code), blocks.map(() => StatusCode.Success));
  assert.deepEqual(answers.map(({ hash }) => toHex(hash ?? new Uint8Array())), roots);
});

Deno.test("EvmExecutor goes on from the disk after a write that failed", async () => {
  const records = new MemoryRecords();
  const { executor, opens } = newExecutor(records);
  await executor.start();
  for (const block of blocks.slice(0, 2)) await executor.exec(block);
  records.isFull = true;
  for (let round = 0; round < 2; round++) {
    await assert.rejects(executor.exec(blocks[2]!), /no space left/);
    assert.equal(await executor.read((chain) => chain.header.height), 1n);
  }
  records.isFull = false;
  for (const [index, block] of blocks.entries()) {
    const { code, hash } = await executor.exec(block);
    assert.equal(code, index < 2 ? StatusCode.ReenterBlock : StatusCode.Success);
    assert.equal(toHex(hash ?? new Uint8Array()), roots[index]);
  }
  assert.equal(opens(), 3);
  await executor.close();
});

Deno.test("EvmExecutor does not start on records that miss a header", async () => {
  const records = new MemoryRecords();
  const { executor } = newExecutor(records);
  for (const block of blocks) await executor.exec(block);
  const damaged = new MemoryRecords();
  // header records begin with 03
  damaged.put(
    records.entries().filter(([key]) => !key.startsWith("03"))
      .map(([key, value]) => [fromHex(key), fromHex(value)]),
  );
  await assert.rejects(newExecutor(damaged).executor.start(), /header 4.*does not have it/);
});

Deno.test("EvmExecutor removes old states bit by bit and answers like for missing ones", async () => {
  const records = new MemoryRecords();
  const statesKept = 1;
  const open = () => Promise.resolve(records);
  const executor = new EvmExecutor({ ...parts, statesKept, open, log: SILENT_LOGGER });
  await executor.start();
  for (const block of blocks) await executor.exec(block);
  for (let step = 0; step < 20; step++) await executor.exec(blocks.at(-1)!); // a step before each
  const request = { to: new Uint8Array(20), from: new Uint8Array(0), method: new Uint8Array(0) };
  const kinds: string[] = [];
  for (let height = 1n; height < BigInt(blocks.length); height++) {
    kinds.push((await executor.call({ ...request, args: [], height })).kind);
  }
  assert.deepEqual(kinds, ["error", "error", "value", "value"]);
  const all = storedNodeKeys(await recordsAfter(blocks.length));
  assert(storedNodeKeys(records).size < all.size);
  await executor.close();
});

/** What an executor that keeps all states stores. */
async function recordsAfter(count: number): Promise<MemoryRecords> {
  const records = new MemoryRecords();
  const { executor } = newExecutor(records);
  for (const block of blocks.slice(0, count)) await executor.exec(block);
  await executor.close();
  return records;
}

Deno.test("EvmExecutor refuses blocks when too many wait", async () => {
  const { executor } = newExecutor(new MemoryRecords());
  const answers = Array.from({ length: 66 }, () => executor.exec(blocks[0]!));
  const outcomes = await Promise.allSettled(answers);
  const refused = outcomes.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 2);
  assert(refused[0]?.status === "rejected" && refused[0].reason instanceof RefusedError);
  assert.equal((await executor.exec(blocks[1]!)).code, StatusCode.Success);
});

Deno.test("EvmExecutor does not count the removal of old states as a block, nor refuse it as one", async () => {
  const warnings: string[] = [];
  const log = { ...SILENT_LOGGER, warn: (text: string) => void warnings.push(text) };
  const waitingInRemovals = new Set<number>();
  class WatchedRecords extends MemoryRecords {
    override write(batch: RecordBatch): Promise<void> {
      if (batch.deletes !== undefined) waitingInRemovals.add(executor.view.waitingBlocks);
      return super.write(batch);
    }
  }
  const records = new WatchedRecords();
  const open = () => Promise.resolve(records);
  const executor = new EvmExecutor({ ...parts, statesKept: 1, open, log });
  await executor.start();
  for (const block of blocks.slice(0, -1)) {
    await executor.exec(block);
    await nextTurn(); // no block waits while it removes what there is to remove
  }
  assert.deepEqual([...waitingInRemovals], [0]);
  await Promise.all(Array.from({ length: 64 }, () => executor.exec(blocks.at(-1)!)));
  assert.deepEqual(warnings, []);
  await executor.close();
});
