import { setImmediate } from "node:timers";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { type Engine, type EngineBatch, EngineError } from "./engine.ts";

/** Limits of a {@linkcode GroupCommit}. */
export interface GroupCommitLimits {
  /** Writes that may wait at a time; more are refused. */
  readonly waitingWritesMax: number;
  /** Bytes that may wait at a time; a single write that is larger still gets its turn. */
  readonly waitingBytesMax: number;
  /** Bytes above which a group takes no further write, so that none waits for a huge one. */
  readonly groupBytesMax: number;
}

/**
 * More than the limits of the server let through (`service.ts`), so that these only stop a mistake;
 * a full block of 6,000 transactions takes 4 MB.
 */
export const GROUP_COMMIT_LIMITS: GroupCommitLimits = {
  waitingWritesMax: 65_536,
  waitingBytesMax: 256 * 1024 * 1024,
  groupBytesMax: 16 * 1024 * 1024,
};

function nextEventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Places and bookkeeping that a record costs beside its value. */
const RECORD_OVERHEAD_BYTES = 64;

interface Waiting {
  readonly batch: EngineBatch;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * An engine that merges writes: while one group is being written, all that arrive wait and become
 * the next group, so that many callers share one fsync. Writes are applied in the order of the
 * calls; each is atomic as before and answered after its own group is safe.
 */
export class GroupCommit implements Engine {
  readonly #engine: Engine;
  readonly #limits: GroupCommitLimits;
  readonly #nextTurn: () => Promise<void>;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #lastGroupSize = 0;
  /** Resolves when the groups that are being written have ended. */
  #drained: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** @param nextTurn resolves when what has arrived by now was read from its sockets */
  constructor(engine: Engine, limits = GROUP_COMMIT_LIMITS, nextTurn = nextEventLoopTurn) {
    this.#engine = engine;
    this.#limits = limits;
    this.#nextTurn = nextTurn;
  }

  get(region: number, key: Bytes): Promise<Bytes | null> {
    return this.#engine.get(region, key);
  }

  getMany(region: number, keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    return this.#engine.getMany(region, keys);
  }

  scan(region: number): AsyncIterable<readonly [key: Bytes, value: Bytes]> {
    return this.#engine.scan(region);
  }

  compact(): Promise<void> {
    return this.#engine.compact();
  }

  write(batch: EngineBatch): Promise<void> {
    if (this.#isClosed) return Promise.reject(new EngineError("Cannot write: it is closed"));
    const bytes = sizeOf(batch);
    const count = this.#waiting.length;
    const { waitingWritesMax, waitingBytesMax } = this.#limits;
    if (count >= waitingWritesMax || count > 0 && this.#waitingBytes + bytes > waitingBytesMax) {
      const queue = `${count} writes of ${this.#waitingBytes} bytes wait`;
      return Promise.reject(new EngineError(`Cannot write: the queue is full, ${queue}`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (!this.#isWriting) this.#drained = this.#writeGroups();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#drained;
    await this.#engine.close();
  }

  async #writeGroups(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      // callers that were answered together write again together: without this the first of them
      // would get an fsync of its own; a single caller is not kept waiting
      if (this.#lastGroupSize > 1) await this.#nextTurn();
      const group = this.#takeGroup();
      this.#lastGroupSize = group.length;
      try {
        await this.#engine.write(merge(group.map(({ batch }) => batch)));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isWriting = false;
  }

  #takeGroup(): Waiting[] {
    let count = 0;
    let bytes = 0;
    let hasDeletes = false;
    for (const waiting of this.#waiting) {
      if (count > 0 && bytes + waiting.bytes > this.#limits.groupBytesMax) break;
      // an engine deletes last, so a put behind a delete belongs to the next group
      if (hasDeletes && waiting.batch.puts.length > 0) break;
      count += 1;
      bytes += waiting.bytes;
      hasDeletes ||= waiting.batch.deletes.length > 0;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}

function merge(batches: readonly EngineBatch[]): EngineBatch {
  const [first] = batches;
  if (first !== undefined && batches.length === 1) return first;
  return {
    puts: batches.flatMap(({ puts }) => puts),
    deletes: batches.flatMap(({ deletes }) => deletes),
  };
}

function sizeOf({ puts, deletes }: EngineBatch): number {
  let bytes = RECORD_OVERHEAD_BYTES * (puts.length + deletes.length);
  for (const { value } of puts) bytes += value.length;
  return bytes;
}
