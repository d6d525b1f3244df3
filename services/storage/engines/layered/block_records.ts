import { type Bytes, readU64be, toHex, u64be } from "../../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { EngineError } from "../../engine.ts";
import { readCompactBlock } from "../../full_block.ts";
import { type RecordKey, Region } from "../../regions.ts";

/** Regions of a block's records whose key is the height. */
const BY_HEIGHT: readonly number[] = [
  Region.BlockHash,
  Region.Proof,
  Region.Result,
  Region.CompactBlock,
];

/** Regions of a block's records whose key is the hash of a transaction, besides its height. */
const BY_TRANSACTION: readonly number[] = [Region.Transactions, Region.TransactionIndex];

/**
 * Whether records of a region are removed from this machine once the cloud has them. Those that lead
 * from a hash to a height stay: a hash that nobody knows is answered without asking the cloud.
 */
export function isRemovable({ region }: RecordKey): boolean {
  return BY_HEIGHT.includes(region) || BY_TRANSACTION.includes(region);
}

/** The places of all records of a block (spec/storage_kms.md A4), from two of them. */
export function blockPlaces(
  height: bigint,
  { compact, blockHash }: { readonly compact: Bytes; readonly blockHash: Bytes },
): RecordKey[] {
  const read = readCompactBlock(compact);
  if (read.code !== StatusCode.Success) {
    throw new EngineError(`Cannot read the compact block ${height}: it is damaged`);
  }
  const hashes = read.value.body?.txHashes ?? [];
  const places: RecordKey[] = [];
  for (const key of hashes) {
    for (const region of [...BY_TRANSACTION, Region.TransactionHeight]) {
      places.push({ region, key });
    }
  }
  const key = u64be(height);
  for (const region of BY_HEIGHT) places.push({ region, key });
  places.push({ region: Region.BlockHeight, key: blockHash });
  return places;
}

/** Where the height of the block that a record belongs to is found. */
export type HeightSource =
  | { readonly kind: "known"; readonly height: bigint }
  /** In the record at a place of this machine. */
  | { readonly kind: "indexed"; readonly place: RecordKey }
  /** Nowhere: the record is not part of a block, or never leaves this machine. */
  | { readonly kind: "local" };

/** Says how to find out to which block a record belongs. */
export function heightSource({ region, key }: RecordKey): HeightSource {
  if (BY_HEIGHT.includes(region) && key.length === 8) {
    return { kind: "known", height: readU64be(key) };
  }
  if (BY_TRANSACTION.includes(region)) {
    return { kind: "indexed", place: { region: Region.TransactionHeight, key } };
  }
  return { kind: "local" };
}

/** A place for texts. */
export function showPlace({ region, key }: RecordKey): string {
  return `region ${region}, key ${toHex(key)}`;
}
