import { ClassicLevel } from "classic-level";
import type { Bytes } from "../bytes/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "../clock/mod.ts";
import { LevelError, openError, useError } from "./errors.ts";
import { foreignFiles, piecesLeftOut } from "./folder.ts";
import "./heartbeat.ts";

/** Sizes that differ between users of a store; what is left out takes LevelDB's own default. */
export interface LevelOptions {
  /** Memory for uncompressed blocks that were read, 8 MiB when left out. */
  readonly cacheBytes?: number;
  /** Size of the log at which it becomes a sorted table, 4 MiB when left out. */
  readonly writeBufferBytes?: number;
  /** Files held open at a time, 1000 when left out. */
  readonly openFilesMax?: number;
  /** Tells how long reads take; the machine's by default. */
  readonly clock?: Clock;
}

/** Keys of a walk in byte order; no bounds walks everything. */
export interface LevelRange {
  readonly gte?: Bytes;
  readonly gt?: Bytes;
  readonly lt?: Bytes;
  readonly lte?: Bytes;
  /** Walks from the last key to the first. */
  readonly reverse?: boolean;
  /** Stops after so many records. */
  readonly limit?: number;
}

/** Changes that happen together; where a key is in both lists, the delete wins. */
export interface LevelBatch {
  readonly puts?: Iterable<readonly [key: Bytes, value: Bytes]>;
  readonly deletes?: Iterable<Bytes>;
}

/**
 * An open store. Every call may throw a {@linkcode LevelError}. Byte strings handed in are copied
 * before the call returns its promise; those handed out belong to the caller.
 */
export interface LevelStore {
  /**
   * Damage found when the store was opened: synced records may be lost (media damage), or only the
   * write under way when the power failed. An operator must be told.
   */
  readonly leftOut: readonly string[];
  /**
   * The value of a key, null when there is none; an empty value is not null. Blocks the thread
   * while reads are as quick as those from memory, and reads aside from it when they are not.
   */
  get(key: Bytes): Promise<Bytes | null>;
  /** As `get`, but always blocks the thread while it reads: for callers that cannot wait. */
  getSync(key: Bytes): Bytes | null;
  /** The values of many keys in their order, read from one snapshot. */
  getMany(keys: readonly Bytes[]): Promise<(Bytes | null)[]>;
  /**
   * Applies all changes or, after a crash, none. With `sync` the promise resolves when they are
   * safe from a power failure; without, they are safe from a crash of this process only. After a
   * write that failed every further one fails until the store is opened again.
   */
  write(batch: LevelBatch, options: { sync: boolean }): Promise<void>;
  /** The records of a range as they were when the walk began. */
  iterate(range?: LevelRange): AsyncIterable<readonly [key: Bytes, value: Bytes]>;
  /** Rewrites all tables without what was overwritten and deleted: takes as long as copying them. */
  compact(): Promise<void>;
  /**
   * Waits for calls under way and frees the folder; closing twice is fine. Until then the store
   * keeps the process alive.
   */
  close(): Promise<void>;
}

/**
 * Opens the store in a folder and creates both where they are missing.
 *
 * @throws {LevelError} that says what is wrong with the folder
 */
export async function openLevel(path: string, options: LevelOptions = {}): Promise<LevelStore> {
  const strangers = await foreignFiles(path);
  if (strangers !== null) throw new LevelError(strangers.reason, strangers.message);
  try {
    const db: Db = new ClassicLevel(path, {
      keyEncoding: "view",
      valueEncoding: "view",
      ...(options.cacheBytes !== undefined && { cacheSize: options.cacheBytes }),
      ...(options.writeBufferBytes !== undefined && { writeBufferSize: options.writeBufferBytes }),
      ...(options.openFilesMax !== undefined && { maxOpenFiles: options.openFilesMax }),
    });
    await db.open();
    const { clock = SYSTEM_CLOCK } = options;
    return new OpenStore({ path, db, clock, leftOut: await piecesLeftOut(path) });
  } catch (thrown) {
    throw openError(path, thrown);
  }
}

type Db = ClassicLevel<Bytes, Bytes>;

/**
 * A read from memory takes 2 to 20 µs, the way to another thread and back costs 16 µs of CPU and 50
 * µs of time. One that takes longer than this came from a slow medium, or is large.
 */
const QUICK_READ_MS = 2;
/** How long reads are made aside after one that was not quick. */
const READ_ASIDE_MS = 1_000;

/** Bounds of every key that a user of the store has. */
const LOWEST_KEY: Bytes = new Uint8Array(0);
const HIGHEST_KEY: Bytes = new Uint8Array(40).fill(0xff);

class OpenStore implements LevelStore {
  readonly leftOut: readonly string[];
  readonly #path: string;
  readonly #db: Db;
  readonly #clock: Clock;
  #failure: LevelError | null = null;
  /** Until then reads do not block the thread. */
  #readAsideUntilMs = 0;
  /** Resolves when the last write that was asked for has ended. */
  #lastWrite: Promise<void> = Promise.resolve();

  constructor({ path, db, clock, leftOut }: {
    readonly path: string;
    readonly db: Db;
    readonly clock: Clock;
    readonly leftOut: readonly string[];
  }) {
    this.#path = path;
    this.#db = db;
    this.#clock = clock;
    this.leftOut = leftOut;
  }

  async get(key: Bytes): Promise<Bytes | null> {
    try {
      const beforeMs = this.#clock.monotonicMs();
      if (beforeMs < this.#readAsideUntilMs) return plain(await this.#db.get(key));
      const value = this.#db.getSync(key);
      const afterMs = this.#clock.monotonicMs();
      if (afterMs - beforeMs > QUICK_READ_MS) this.#readAsideUntilMs = afterMs + READ_ASIDE_MS;
      return plain(value);
    } catch (thrown) {
      throw useError(this.#path, "read", thrown);
    }
  }

  getSync(key: Bytes): Bytes | null {
    try {
      return plain(this.#db.getSync(key));
    } catch (thrown) {
      throw useError(this.#path, "read", thrown);
    }
  }

  async getMany(keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    try {
      return (await this.#db.getMany([...keys])).map(plain);
    } catch (thrown) {
      throw useError(this.#path, "read", thrown);
    }
  }

  async write({ puts = [], deletes = [] }: LevelBatch, { sync }: { sync: boolean }): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    try {
      // A chained batch takes 25 ms for 18,000 records, an array of operations up to 95 ms.
      const batch = this.#db.batch();
      for (const [key, value] of puts) batch.put(key, value);
      for (const key of deletes) batch.del(key);
      await this.#inTurn(async () => {
        if (this.#failure === null) return await batch.write({ sync });
        await batch.close();
        throw this.#failure;
      });
    } catch (thrown) {
      throw thrown === this.#failure ? thrown : this.#writeError(thrown);
    }
  }

  /** One write at a time: LevelDB's threads would apply those under way in any order. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    const written = this.#lastWrite.then(write);
    this.#lastWrite = written.catch(() => {}); // its caller gets the error
    return written;
  }

  /**
   * A write that failed half way leaves a torn record in the log, and LevelDB would append behind
   * it what the next start cannot read: only opening the store again cuts the torn end off.
   */
  #writeError(thrown: unknown): LevelError {
    const error = useError(this.#path, "write", thrown);
    if (error.reason !== "closed") {
      const text = `Cannot write "${this.#path}": open it again, an earlier write failed`;
      this.#failure ??= new LevelError(error.reason, text, thrown);
    }
    return error;
  }

  async *iterate(range: LevelRange = {}): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    try {
      for await (const [key, value] of this.#db.iterator(range)) {
        yield [ownView(key), ownView(value)];
      }
    } catch (thrown) {
      throw useError(this.#path, "read", thrown);
    }
  }

  async compact(): Promise<void> {
    try {
      await this.#db.compactRange(LOWEST_KEY, HIGHEST_KEY);
    } catch (thrown) {
      throw useError(this.#path, "compact", thrown);
    }
  }

  async close(): Promise<void> {
    try {
      await this.#lastWrite;
      await this.#db.close();
    } catch (thrown) {
      throw useError(this.#path, "close", thrown);
    }
  }
}

function plain(value: Bytes | undefined): Bytes | null {
  return value === undefined ? null : ownView(value);
}

/** The engine hands out Node.js buffers, whose `slice` shares memory unlike that of a Uint8Array. */
function ownView(value: Bytes): Bytes {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
