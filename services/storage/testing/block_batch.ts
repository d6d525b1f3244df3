import assert from "node:assert/strict";
import { type Bytes, concatBytes, u64be } from "../../../shared/bytes/mod.ts";
import { Block } from "../../../proto/gen/blockchain.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { Engine, EngineBatch } from "../engine.ts";
import { splitFullBlock } from "../full_block.ts";
import { Region, type StoredRecord } from "../regions.ts";
import { buildBlock, buildTransaction } from "./builders.ts";

/** The records of a block with two transactions, its result, and the height that it gives. */
export function blockBatch(height: bigint): EngineBatch {
  return { puts: blockRecords(height), deletes: [] };
}

/** As {@linkcode blockBatch}, as records; the last one is the chain's height. */
export function blockRecords(height: bigint): StoredRecord[] {
  const hashes = [0n, 1n].map((index) => numberedHash(1000n + 10n * height + index));
  const block = decode(Block, buildBlock({ height, body: { body: hashes.map(buildTransaction) } }));
  const heightKey = u64be(height);
  const split = splitFullBlock({ block, heightKey, blockHash: numberedHash(height) });
  if (split.code !== StatusCode.Success) throw new Error("the block is wrong");
  return [
    ...split.value,
    { region: Region.Result, key: heightKey, value: numberedHash(500n + height) },
    { region: Region.Global, key: u64be(0n), value: heightKey },
  ];
}

function numberedHash(serial: bigint): Bytes {
  return concatBytes(new Uint8Array(24), u64be(serial));
}

/** Every record of the blocks is there, one by one and together. */
export async function assertHasBlocks(engine: Engine, heights: readonly bigint[]): Promise<void> {
  for (const height of heights) {
    for (const { region, key, value } of blockRecords(height).slice(0, -1)) {
      assert.deepEqual(await engine.get(region, key), value, `block ${height}, region ${region}`);
      assert.deepEqual(await engine.getMany(region, [key, key]), [value, value]);
    }
  }
}

/** The heights of a chain. */
export function heightsUpTo(last: bigint): bigint[] {
  return Array.from({ length: Number(last) + 1 }, (_, i) => BigInt(i));
}

/** Stores blocks as a controller does. */
export async function storeBlocks(engine: Engine, heights: readonly bigint[]): Promise<void> {
  for (const height of heights) await engine.write(blockBatch(height));
}
