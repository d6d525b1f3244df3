import { CompactBlock } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { assert } from "../../../shared/assert/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import { History } from "../auth/mod.ts";
import { LockId, preHashOf, type SystemConfig, withItem } from "../system_config/mod.ts";
import { ChainDataError, MEND_STORAGE } from "./chain_data.ts";
import { changesBack } from "./config_changes.ts";
import type { PatientStorage } from "./patient_storage.ts";
import { requireRecord } from "./stored_tip.ts";

/** Loads that are in flight together. */
const LOADS_MAX = 20;

/** What loading the history needs. */
export interface HistorySource {
  readonly storage: PatientStorage;
  /** Committed height. */
  readonly height: bigint;
  /** In force after it. */
  readonly config: SystemConfig;
  /** The block limit that the chain began with, if it was changed: storage forgets it then. */
  readonly initialLimit: bigint;
}

/** Blocks that were made under one block limit; both ends belong to it. */
interface Period {
  readonly first: bigint;
  readonly last: bigint;
  readonly blockLimit: bigint;
}

/** The transactions of all blocks that a node that never stopped would remember. */
export async function loadHistory(source: HistorySource): Promise<History> {
  const history = new History();
  for (const { first, last, blockLimit } of (await loadPeriods(source)).toReversed()) {
    const remembered = source.height - blockLimit + 1n;
    let next = first > remembered ? first : remembered;
    while (next <= last) {
      const heights: bigint[] = [];
      for (; next <= last && heights.length < LOADS_MAX; next++) heights.push(next);
      const blocks = await Promise.all(
        heights.map(async (height) => ({ height, hashes: await loadHashes(source, height) })),
      );
      for (const block of blocks) history.add({ ...block, blockLimit });
    }
  }
  return history;
}

/** The newest period comes first. */
async function loadPeriods(source: HistorySource): Promise<Period[]> {
  const { storage, height, config, initialLimit } = source;
  const newest = preHashOf(config, LockId.BlockLimit);
  const load = (region: number, key: Bytes) => storage.load(region, key);
  const periods: Period[] = [];
  let last = height;
  let { blockLimit } = config;
  for await (const { output, minedAt } of changesBack({ load, pending: () => null }, newest)) {
    const changed = withItem(config, LockId.BlockLimit, output);
    assert(minedAt !== null && changed !== null, "A change that is in force was mined and applied");
    periods.push({ first: minedAt + 1n, last, blockLimit: changed.blockLimit });
    last = minedAt;
    blockLimit = initialLimit;
  }
  periods.push({ first: 1n, last, blockLimit });
  return periods;
}

async function loadHashes({ storage }: HistorySource, height: bigint): Promise<string[]> {
  const stored = await requireRecord(storage, Regions.COMPAT_BLOCK, height);
  const compact = tryDecode(CompactBlock, stored);
  if (compact === null) {
    const problem = `Cannot use the stored chain: block ${height} cannot be decoded`;
    throw new ChainDataError(problem, MEND_STORAGE);
  }
  return (compact.body?.txHashes ?? []).map(toHex);
}
