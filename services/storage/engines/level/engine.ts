import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { LevelError, type LevelStore } from "../../../../shared/level/mod.ts";
import { type Engine, type EngineBatch, EngineError } from "../../engine.ts";
import type { RecordKey } from "../../regions.ts";

/** What a {@linkcode LevelEngine} takes from its surroundings. */
export interface LevelEngineDeps {
  /** Opens the store; called again after a failed write. */
  readonly open: () => Promise<LevelStore>;
  /** Bytes free on the medium, to see whether a full one has room again. */
  readonly freeBytes: () => Promise<number>;
}

/**
 * Room that the medium must have before the store is opened again: LevelDB then writes its log out
 * as a table. Without the check a full disk would cost the reads too, for the attempt closes it.
 */
const REOPEN_FREE_BYTES_MIN = 64 * 1024 * 1024;

/** Records in one LevelDB folder; a key there is the region's number as one byte, then the key. */
export class LevelEngine implements Engine {
  readonly #deps: LevelEngineDeps;
  #store: LevelStore;
  #hasFailed = false;
  /** Pending while the store is being opened again; a read asks and reads in one turn. */
  #reopening: Promise<void> | null = null;
  #isClosed = false;

  private constructor(deps: LevelEngineDeps, store: LevelStore) {
    this.#deps = deps;
    this.#store = store;
  }

  /** Opens the store; throws an {@linkcode EngineError} for a folder that cannot be used. */
  static async open(deps: LevelEngineDeps): Promise<LevelEngine> {
    return new LevelEngine(deps, await inContext(deps.open));
  }

  async get(region: number, key: Bytes): Promise<Bytes | null> {
    try {
      if (this.#reopening !== null) await this.#reopening;
      return await this.#store.get(levelKey({ region, key }));
    } catch (cause) {
      throw withContext(cause);
    }
  }

  async getMany(region: number, keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    const levelKeys = keys.map((key) => levelKey({ region, key }));
    return await inContext(async () => {
      if (this.#reopening !== null) await this.#reopening;
      return await this.#store.getMany(levelKeys);
    });
  }

  async *scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    const range = { gte: Uint8Array.of(region), lt: Uint8Array.of(region + 1) };
    try {
      for await (const [key, value] of this.#store.iterate(range)) yield [key.subarray(1), value];
    } catch (cause) {
      throw withContext(cause);
    }
  }

  /** After a failed write the next one opens the store again, once the medium has room. */
  async write({ puts, deletes }: EngineBatch): Promise<void> {
    if (this.#hasFailed) await this.#recover();
    const batch = {
      puts: puts.map((record) => [levelKey(record), record.value] as const),
      deletes: deletes.map(levelKey),
    };
    await inContext(async () => {
      try {
        await this.#store.write(batch, { sync: true });
      } catch (error) {
        this.#hasFailed = true;
        throw error;
      }
    });
  }

  compact(): Promise<void> {
    return inContext(() => this.#store.compact());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reopening?.catch(() => {}); // the write that wanted it gets the error
    await this.#store.close();
  }

  async #recover(): Promise<void> {
    if (this.#isClosed) return;
    const freeBytes = await this.#deps.freeBytes();
    if (freeBytes < REOPEN_FREE_BYTES_MIN) {
      const wanted = `the disk must have ${REOPEN_FREE_BYTES_MIN} bytes free`;
      throw new EngineError(`Cannot write after a failure: ${wanted}, got ${freeBytes}`);
    }
    if (!this.#hasFailed) return; // another write has opened it meanwhile
    this.#reopening ??= this.#reopen();
    await inContext(() => this.#reopening ?? Promise.resolve());
  }

  async #reopen(): Promise<void> {
    try {
      await this.#store.close();
      this.#store = await this.#deps.open();
      this.#hasFailed = false;
    } finally {
      this.#reopening = null;
    }
  }
}

function levelKey({ region, key }: RecordKey): Bytes {
  const place = new Uint8Array(1 + key.length);
  place[0] = region;
  place.set(key, 1);
  return place;
}

async function inContext<Result>(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (cause) {
    throw withContext(cause);
  }
}

function withContext(cause: unknown): unknown {
  return cause instanceof LevelError ? new EngineError(cause.message, { cause }) : cause;
}
