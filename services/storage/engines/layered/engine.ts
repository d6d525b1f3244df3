import { type Bytes, equalBytes, readU64be, u64be } from "../../../../shared/bytes/mod.ts";
import { type Engine, type EngineBatch, EngineError } from "../../engine.ts";
import { type RecordKey, Region, type StoredRecord } from "../../regions.ts";
import { Backup, type BackupSettings } from "./backup.ts";
import { heightSource, showPlace } from "./block_records.ts";
import { type Cloud, objectName } from "./cloud.ts";
import { forEachOf } from "./for_each_of.ts";
import { type RecentLimits, RecentRecords } from "./recent_records.ts";

/** What {@linkcode LayeredEngine.open} needs. */
export interface LayeredEngineOptions {
  /** Layer 2, which has every record that is not known to be in the cloud. */
  readonly local: Engine;
  /** Layer 3; null without one. */
  readonly cloud: Cloud | null;
  /** Bounds of layer 1. */
  readonly recent: RecentLimits;
  /** When to copy blocks to the cloud; null leaves it to the caller. */
  readonly backup: BackupSettings | null;
}

/** Objects that one call reads from the cloud at a time. */
const OBJECTS_AT_A_TIME = 16;

/** Region of the engine's own notes, which no call of the storage can name. */
const NOTES_REGION = 14;
const REMOVED_UP_TO_KEY = u64be(0n);

/**
 * Records in three layers: memory, this machine, cloud (spec/storage_kms.md A10). What is written is
 * on this machine's disk; a {@linkcode Backup} copies it to the cloud later and removes old blocks.
 * Until then the cloud is not asked.
 *
 * A delete removes what memory and disk have. What has left this machine cannot be deleted: the
 * flavour with this engine deletes no records of blocks.
 */
export class LayeredEngine implements Engine {
  /** Layer 2 by itself. */
  readonly local: Engine;
  readonly #cloud: Cloud | null;
  readonly #recent: RecentRecords;
  readonly #backup: Backup | null;
  #removedUpTo: bigint | null;
  /** Resolves when the last change that was asked for has ended. */
  #lastChange: Promise<void> = Promise.resolve();

  private constructor(options: LayeredEngineOptions, removedUpTo: bigint | null) {
    this.local = options.local;
    this.#cloud = options.cloud;
    this.#recent = new RecentRecords(options.recent);
    this.#removedUpTo = removedUpTo;
    const { cloud, backup } = options;
    this.#backup = cloud === null || backup === null
      ? null
      : new Backup({ ...backup, records: this, cloud });
    this.#backup?.start();
  }

  /**
   * Puts the layers together, and reads which blocks have left this machine. Throws an `EngineError`
   * when some have and there is no cloud: they would seem never to have been stored.
   */
  static async open(options: LayeredEngineOptions): Promise<LayeredEngine> {
    const note = await options.local.get(NOTES_REGION, REMOVED_UP_TO_KEY);
    const removedUpTo = note === null ? null : readU64be(note);
    if (removedUpTo !== null && options.cloud === null) {
      const text = `blocks up to ${removedUpTo} have left this machine`;
      throw new EngineError(`Cannot work without a cloud: ${text}, name the bucket that has them`);
    }
    return new LayeredEngine(options, removedUpTo);
  }

  /** The last block whose records have left this machine; null when there is none. */
  get removedUpTo(): bigint | null {
    return this.#removedUpTo;
  }

  async get(region: number, key: Bytes): Promise<Bytes | null> {
    const recent = this.#recent.get(region, key);
    if (recent !== null) return recent;
    const found = await this.local.get(region, key);
    if (found !== null || this.#cloud === null) return found;
    const place = { region, key };
    return await this.#hasLeft(place) ? await mustGet(this.#cloud, place) : null;
  }

  async getMany(region: number, keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    const recent = this.#getManyRecent(region, keys);
    if (recent !== null) return recent;
    const values = await this.local.getMany(region, keys);
    const cloud = this.#cloud;
    // what has left this machine does not change any more: the answer still is of one instant
    if (cloud === null || this.#removedUpTo === null) return values;
    await forEachOf(keys, async (key, index) => {
      if (values[index] !== null || !await this.#hasLeft({ region, key })) return;
      values[index] = await mustGet(cloud, { region, key });
    }, { atATime: OBJECTS_AT_A_TIME });
    return values;
  }

  /** Walks what is on this machine. */
  scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    return this.local.scan(region);
  }

  write(batch: EngineBatch): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.local.write(batch);
      } catch (error) {
        this.#recent.forget(batch);
        throw error;
      }
      this.#recent.apply(batch);
    });
  }

  /**
   * Lets the next block leave this machine; `records` are those of it that the cloud has. One that
   * was changed since it was looked at stays.
   */
  removeBlock(height: bigint, records: readonly StoredRecord[]): Promise<void> {
    return this.#inTurn(async () => {
      const deletes: RecordKey[] = [];
      for (const [region, group] of Map.groupBy(records, ({ region }) => region)) {
        const values = await this.local.getMany(region, group.map(({ key }) => key));
        group.forEach((record, i) => {
          const value = values[i] ?? null;
          if (value !== null && equalBytes(value, record.value)) deletes.push(record);
        });
      }
      // readers that miss a record from here on ask the cloud
      this.#removedUpTo = height;
      this.#recent.forget({ puts: [], deletes });
      const note = { region: NOTES_REGION, key: REMOVED_UP_TO_KEY, value: u64be(height) };
      await this.local.write({ puts: [note], deletes });
    });
  }

  compact(): Promise<void> {
    return this.local.compact();
  }

  async close(): Promise<void> {
    await Promise.all([this.#backup?.stop(), this.#cloud?.close()]);
    await this.#lastChange;
    this.#recent.clear();
    await this.local.close();
  }

  /** One change at a time: a record must not be removed while it is written. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const changed = this.#lastChange.then(change);
    this.#lastChange = changed.catch(() => {}); // its caller gets the error
    return changed;
  }

  /** The values when every one is in memory: only then they are of one instant. */
  #getManyRecent(region: number, keys: readonly Bytes[]): Bytes[] | null {
    const values: Bytes[] = [];
    for (const key of keys) {
      const value = this.#recent.get(region, key);
      if (value === null) return null;
      values.push(value);
    }
    return values;
  }

  /** Whether a record that is not on this machine belongs to a block that left it. */
  async #hasLeft(place: RecordKey): Promise<boolean> {
    if (this.#removedUpTo === null) return false;
    const source = heightSource(place);
    if (source.kind === "local") return false;
    if (source.kind === "known") return source.height <= this.#removedUpTo;
    const index = await this.local.get(source.place.region, source.place.key);
    return index !== null && index.length === 8 && readU64be(index) <= this.#removedUpTo;
  }
}

/** A record that has left this machine; that it is nowhere is a failure, not an absence. */
async function mustGet(cloud: Cloud, place: RecordKey): Promise<Bytes | null> {
  const value = await cloud.get(objectName(place));
  // a first block need not have been executed
  if (value !== null || place.region === Region.Result) return value;
  throw new EngineError(
    `Cannot read a block that left this machine: the bucket lacks ${showPlace(place)}`,
  );
}
