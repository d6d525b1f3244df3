import type { Bytes } from "../../shared/bytes/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";

/** Regions of the storage by name (spec/storage_kms.md A2). */
export const Region = {
  Global: 0,
  Transactions: 1,
  Headers: 2,
  Bodies: 3,
  BlockHash: 4,
  Proof: 5,
  Result: 6,
  TransactionHeight: 7,
  BlockHeight: 8,
  TransactionIndex: 9,
  CompactBlock: 10,
  /** Virtual: split into other regions when stored, put together when loaded. */
  FullBlock: 11,
} as const;

/** Fixed shape of one region (spec/storage_kms.md A2); a null size means any length. */
export interface RegionSpec {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number | null;
}

const HEIGHT_SIZE = 8;
const HASH_SIZE = 32;

/** Every region, indexed by its number. */
export const REGIONS: readonly RegionSpec[] = [
  { name: "global", keySize: HEIGHT_SIZE, valueSize: null },
  { name: "transactions", keySize: HASH_SIZE, valueSize: null },
  { name: "headers", keySize: HEIGHT_SIZE, valueSize: null },
  { name: "bodies", keySize: HEIGHT_SIZE, valueSize: null },
  { name: "block hash", keySize: HEIGHT_SIZE, valueSize: HASH_SIZE },
  { name: "proof", keySize: HEIGHT_SIZE, valueSize: null },
  { name: "result", keySize: HEIGHT_SIZE, valueSize: HASH_SIZE },
  { name: "transaction height", keySize: HASH_SIZE, valueSize: HEIGHT_SIZE },
  { name: "block height", keySize: HASH_SIZE, valueSize: HEIGHT_SIZE },
  // upstream leaves the length of an index unchecked
  { name: "transaction index", keySize: HASH_SIZE, valueSize: null },
  { name: "compact block", keySize: HEIGHT_SIZE, valueSize: null },
  { name: "full block", keySize: HEIGHT_SIZE, valueSize: null },
];

/** Decides whether a place can exist; clients observe the order of the checks (A3). */
export function checkKey(region: number, key: Bytes): StatusCode {
  const spec = REGIONS[region];
  if (spec === undefined) return StatusCode.InvalidRegion;
  return key.length === spec.keySize ? StatusCode.Success : StatusCode.InvalidKey;
}

/** Decides whether a record may be stored; clients observe the order of the checks (A3). */
export function checkRecord({ region, key, value }: StoredRecord): StatusCode {
  const refusal = checkKey(region, key);
  if (refusal !== StatusCode.Success) return refusal;
  const valueSize = REGIONS[region]?.valueSize ?? null;
  if (valueSize !== null && value.length !== valueSize) return StatusCode.InvalidValue;
  return StatusCode.Success;
}

/** The place of a record. */
export interface RecordKey {
  readonly region: number;
  readonly key: Bytes;
}

/** A record and its place. */
export interface StoredRecord extends RecordKey {
  readonly value: Bytes;
}
