import { type Bytes, equalBytes, readU64be, u64be } from "../../../../shared/bytes/mod.ts";
import type { Clock, Random } from "../../../../shared/clock/mod.ts";
import type { Logger } from "../../../../shared/log/mod.ts";
import { type Engine, EngineError } from "../../engine.ts";
import { type RecordKey, Region, type StoredRecord } from "../../regions.ts";
import {
  type CopiedUpTo,
  encodeProgress,
  nextIntervalMs,
  nextToCopy,
  nextToRemove,
  readProgress,
} from "./backup_plan.ts";
import { blockPlaces, isRemovable, showPlace } from "./block_records.ts";
import { type Cloud, objectName } from "./cloud.ts";
import { forEachOf } from "./for_each_of.ts";

/** When a {@linkcode Backup} does what. */
export interface BackupSettings {
  /** Blocks that stay on this machine. */
  readonly capacity: number;
  readonly intervalMs: number;
  /** Another node that copies into the same bucket is noticed within this time. */
  readonly retreatMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The records that are copied and removed. */
export interface LocalRecords {
  /** What this machine has. */
  readonly local: Engine;
  /** The last block whose records were removed; null when there is none. */
  readonly removedUpTo: bigint | null;
  /** Removes records of the next block that the cloud has. */
  removeBlock(height: bigint, records: readonly StoredRecord[]): Promise<void>;
}

/** What a {@linkcode Backup} works with. */
export interface BackupDeps extends BackupSettings {
  readonly records: LocalRecords;
  readonly cloud: Cloud;
}

/** Objects that are copied or compared at a time: half of what a bucket takes, readers need some. */
const OBJECTS_AT_A_TIME = 32;

/** Name of the progress: no record of the chain is ever read from it. */
const PROGRESS_OBJECT = objectName({ region: Region.Global, key: u64be(1n) });
const HEIGHT_KEY = u64be(0n);

/**
 * Copies blocks to the cloud in their order, and lets old ones leave this machine once each of their
 * records was found there (spec/storage_kms.md A10). Nodes may share a bucket: one copies, the
 * others see it advance and back off.
 */
export class Backup {
  readonly #deps: BackupDeps;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;

  constructor(deps: BackupDeps) {
    this.#deps = deps;
  }

  /** Works from time to time until it is stopped; a round that fails is made again later. */
  start(): void {
    this.#running = this.#runRounds();
  }

  /** Begins nothing further; what is under way ends first, or fails with its cloud. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #runRounds(): Promise<void> {
    const { clock, random, intervalMs, log } = this.#deps;
    while (!this.#isStopped) {
      await clock.sleep(nextIntervalMs(intervalMs, random), this.#stop.signal);
      try {
        await this.runRound();
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        if (!this.#isStopped) log.warn(`the backup stops for now: ${error.message}`);
      }
    }
  }

  /** One round: waits until no other node copies, copies, removes. */
  async runRound(): Promise<void> {
    const found = await this.#settledProgress();
    if (this.#isStopped || !await this.#isOurChain(found)) return;
    const copiedUpTo = await this.#copy(found);
    await this.#remove(copiedUpTo);
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** The progress, once it stays the same for a while. */
  async #settledProgress(): Promise<CopiedUpTo> {
    const { clock, retreatMs, log } = this.#deps;
    let before = await this.#readProgress();
    while (!this.#isStopped) {
      await clock.sleep(retreatMs, this.#stop.signal);
      const now = await this.#readProgress();
      if (now === before) break;
      log.info(`another node copies blocks, up to ${now} now: backs off`);
      before = now;
    }
    return before;
  }

  async #readProgress(): Promise<CopiedUpTo> {
    const record = await this.#deps.cloud.get(PROGRESS_OBJECT);
    if (record === null) return null;
    const height = readProgress(record);
    if (height !== null) return height;
    throw new EngineError(`Cannot read the progress in the cloud: it has ${record.length} bytes`);
  }

  /** A bucket that holds another chain, or a fork, must neither be added to nor be relied on. */
  async #isOurChain(copiedUpTo: CopiedUpTo): Promise<boolean> {
    if (copiedUpTo === null) return true;
    const { records, cloud, log } = this.#deps;
    const localHeight = await this.#localHeight();
    const height = copiedUpTo < localHeight ? copiedUpTo : localHeight;
    const place = { region: Region.BlockHash, key: u64be(height) };
    const ours = await records.local.get(place.region, place.key);
    if (ours === null) return true; // a chain without blocks, or the block has left this machine
    const theirs = await cloud.get(objectName(place));
    if (theirs !== null && equalBytes(ours, theirs)) return true;
    log.error(`block ${height} in the bucket is not that of this chain: nothing is copied`);
    return false;
  }

  /** Copies what is missing; gives the height up to which the cloud has the chain. */
  async #copy(found: CopiedUpTo): Promise<CopiedUpTo> {
    const { cloud, log } = this.#deps;
    let copiedUpTo = found;
    while (!this.#isStopped) {
      const height = nextToCopy(copiedUpTo, await this.#localHeight());
      if (height === null) break;
      const records = await this.#recordsOf(height);
      await this.#forEach(records, (record) => cloud.put(objectName(record), record.value));
      if (this.#isStopped) break;
      const now = await this.#readProgress();
      if (now !== copiedUpTo) {
        log.info(`another node copied up to ${now} meanwhile: backs off`);
        return copiedUpTo;
      }
      await cloud.put(PROGRESS_OBJECT, encodeProgress(height));
      copiedUpTo = height;
    }
    if (copiedUpTo !== found) log.info(`copied blocks up to ${copiedUpTo} to the cloud`);
    return copiedUpTo;
  }

  /** Removes from this machine what is old and in the cloud. */
  async #remove(copiedUpTo: CopiedUpTo): Promise<void> {
    const { records, log } = this.#deps;
    const capacity = BigInt(this.#deps.capacity);
    const before = records.removedUpTo;
    let keptCount = 0;
    while (!this.#isStopped) {
      const { removedUpTo } = records;
      const localHeight = await this.#localHeight();
      const height = nextToRemove({ removedUpTo, localHeight, capacity, copiedUpTo });
      if (height === null) break;
      const removable = (await this.#recordsOf(height)).filter(isRemovable);
      const verified: StoredRecord[] = [];
      await this.#forEach(removable, async (record) => {
        if (await this.#isInCloud(record)) verified.push(record);
      });
      if (this.#isStopped) break;
      keptCount += removable.length - verified.length;
      await records.removeBlock(height, verified);
    }
    if (keptCount > 0) log.warn(`kept ${keptCount} records that differ from those in the bucket`);
    if (records.removedUpTo !== before) {
      log.info(`removed blocks up to ${records.removedUpTo} from this machine, the cloud has them`);
    }
  }

  /** Whether the cloud has the very same record; one that is not there is copied first. */
  async #isInCloud(record: StoredRecord): Promise<boolean> {
    const { cloud } = this.#deps;
    const name = objectName(record);
    let found = await cloud.get(name);
    if (found === null) {
      await cloud.put(name, record.value);
      found = await cloud.get(name);
    }
    return found !== null && equalBytes(found, record.value);
  }

  async #localHeight(): Promise<bigint> {
    const record = await this.#deps.records.local.get(Region.Global, HEIGHT_KEY);
    return record === null || record.length !== 8 ? 0n : readU64be(record);
  }

  /** All records of a block as this machine has them. */
  async #recordsOf(height: bigint): Promise<StoredRecord[]> {
    const key = u64be(height);
    const compact = await this.#mustGet({ region: Region.CompactBlock, key });
    const blockHash = await this.#mustGet({ region: Region.BlockHash, key });
    const places = blockPlaces(height, { compact, blockHash });
    const records: StoredRecord[] = [];
    for (const [region, group] of Map.groupBy(places, ({ region }) => region)) {
      const values = await this.#deps.records.local.getMany(region, group.map(({ key }) => key));
      for (const [index, place] of group.entries()) {
        const value = values[index] ?? null;
        // a first block need not have been executed
        if (value === null && region === Region.Result) continue;
        records.push({ ...place, value: present(value, place) });
      }
    }
    return records;
  }

  async #mustGet(place: RecordKey): Promise<Bytes> {
    return present(await this.#deps.records.local.get(place.region, place.key), place);
  }

  async #forEach(
    records: readonly StoredRecord[],
    action: (record: StoredRecord) => Promise<void>,
  ) {
    const isStopped = () => this.#isStopped;
    await forEachOf(records, action, { atATime: OBJECTS_AT_A_TIME, isStopped });
  }
}

function present(value: Bytes | null, place: RecordKey): Bytes {
  if (value !== null) return value;
  throw new EngineError(`Cannot copy a block: ${showPlace(place)} is missing`);
}
