/** Compares what a store holds after a crash with what its history allows. */

import type { RecordKey, StoredRecord } from "../../services/storage/regions.ts";
import { Region } from "../../services/storage/regions.ts";
import { type Bytes, equalBytes } from "../../shared/bytes/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { ABSENT, type History } from "./history.ts";
import { blockHash, isBlock, keyOf, ownRecords, recordOf, versionOf } from "./records.ts";

/** Gives a record, null when there is none; any other answer is an error. */
export type Load = (key: RecordKey) => Promise<Bytes | null>;

/** What must not be: an acknowledged write is gone or undone, or a value is not one as written. */
export interface Violation {
  readonly kind: "lost" | "torn";
  readonly text: string;
}

/** Checks one place and settles what was found there in the history. */
export async function checkPlace(
  place: string,
  { history, load }: { readonly history: History; readonly load: Load },
): Promise<Violation | null> {
  const allowed = history.allowed(place);
  const value = await load(keyOf(place));
  const found = value === null ? ABSENT : foundVersion(place, value, allowed);
  if (found === null) return { kind: "torn", text: `${place}: its value was never written` };
  if (!allowed.has(found)) {
    return { kind: "lost", text: `${place}: version ${found}, not ${[...allowed].join(" or ")}` };
  }
  if (isBlock(place)) {
    const underWay = history.underWay(place);
    const torn = await findTorn(place, found, { underWay, load });
    if (torn !== null) return { kind: "torn", text: `${place}: ${torn}` };
  }
  history.settle(place, found);
  return null;
}

/** A block does not tell its version: it is compared with those that it may be. */
function foundVersion(
  place: string,
  value: Bytes,
  allowed: ReadonlySet<number>,
): number | null {
  const versions = isBlock(place) ? [...allowed] : [versionOf(value)];
  const isFound = (version: number) =>
    version > ABSENT && equalBytes(recordOf(place, version).value, value);
  return versions.find(isFound) ?? null;
}

interface BlockEvidence {
  /** Versions that may have been written, or not. */
  readonly underWay: readonly number[];
  readonly load: Load;
}

/** What is wrong with the records of a block of which `found` is stored. */
async function findTorn(
  place: string,
  found: number,
  { underWay, load }: BlockEvidence,
): Promise<string | null> {
  const { key } = keyOf(place);
  const hash = await load({ region: Region.BlockHash, key });
  const wantedHash = found === ABSENT ? null : await blockHash(place, found);
  if (!isSame(hash, wantedHash)) return `the block hash is not that of version ${found}`;
  for (const region of found === ABSENT ? [Region.CompactBlock, Region.Proof] : []) {
    if (await load({ region, key }) !== null) return `the block is absent, region ${region} is not`;
  }
  for (const version of new Set([found, ...underWay])) {
    if (version === ABSENT) continue;
    const records = await ownRecords(place, version);
    const stored = await countStored(records, load);
    const isWhole = stored === records.length;
    if (!isWhole && (stored > 0 || version === found)) {
      return `${stored} of ${records.length} records of version ${version} are stored`;
    }
  }
  return null;
}

async function countStored(records: readonly StoredRecord[], load: Load): Promise<number> {
  const isStored = await Promise.all(
    records.map(async (record) => isSame(await load(record), record.value)),
  );
  return isStored.filter((stored) => stored).length;
}

function isSame(left: Bytes | null, right: Bytes | null): boolean {
  return left === null || right === null ? left === right : equalBytes(left, right);
}

/** A {@linkcode Load} over gRPC. */
export function loadFrom(storage: {
  load(key: RecordKey): Promise<{ status: { code: number } | undefined; value: Bytes }>;
}): Load {
  return async (key) => {
    const { status, value } = await storage.load(key);
    if (status?.code === StatusCode.NotFound) return null;
    if (status?.code === StatusCode.Success) return value;
    throw new Error(`Load of region ${key.region} answers ${status?.code}`);
  };
}
