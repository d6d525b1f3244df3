import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { ReturnedNodes } from "./returned_nodes.ts";
import type { Put, RecordRange, RecordStore } from "./records.ts";
import {
  hashesOfNodes,
  hashOfNode,
  heightOfNode,
  isRemovals,
  putOldestState,
  readRemovals,
  type Removals,
  removalsKey,
} from "./state_records.ts";

/** Nodes that a step looks at: it takes a few milliseconds, for which a block may have to wait. */
const STEP_NODES = 1_000;

/**
 * Blocks whose removals may wait before a step takes twice as many nodes as the last block wrote:
 * each block then pays for itself, and the disk is bounded also when blocks follow without a pause.
 */
const WAITING_BLOCKS_MAX = 32n;

/** What a pruner is made of. */
export interface PrunerParts {
  readonly store: RecordStore;
  /** States before the last one that stay readable. */
  readonly statesKept: number;
}

/**
 * Removes nodes that no kept state leads to, from what the blocks recorded about what they
 * replaced. A crash between two steps costs nothing but the work of one block's removals.
 */
export class Pruner {
  readonly #store: RecordStore;
  readonly #statesKept: bigint;
  #current: { readonly removals: Removals; readonly dead: AsyncGenerator<Bytes[]> } | null = null;
  readonly #returned: ReturnedNodes;
  #height = -1n;
  #stepNodes = STEP_NODES;
  #nodesOfLastBlock = 0;

  constructor({ store, statesKept }: PrunerParts) {
    this.#store = store;
    this.#statesKept = BigInt(statesKept);
    this.#returned = new ReturnedNodes(this.#statesKept + WAITING_BLOCKS_MAX);
  }

  /** Tells what a block wrote, before the next step. */
  written(height: bigint, puts: readonly Put[]): void {
    const written = hashesOfNodes(puts);
    const removed = puts.filter(isRemovals).flatMap((put) => readRemovals(put).nodes);
    this.#nodesOfLastBlock = written.length;
    this.#returned.add(height, { written, removed: removed.map(hashOfNode) });
  }

  /**
   * Does a bounded part of the work; no block may be executed meanwhile.
   *
   * @param height the last block
   * @returns whether there was anything to do
   */
  async step(height: bigint): Promise<boolean> {
    this.#height = height;
    const current = this.#current ?? await this.#next(height - this.#statesKept);
    this.#current = null; // what fails is begun anew
    if (current === null) return false;
    const { removals, dead } = current;
    const isLate = height - this.#statesKept - removals.height > WAITING_BLOCKS_MAX;
    this.#stepNodes = isLate ? Math.max(STEP_NODES, 2 * this.#nodesOfLastBlock) : STEP_NODES;
    const { value: deletes, done } = await dead.next();
    if (done) {
      await this.#store.write({ deletes: [removalsKey(removals.height)] }, { sync: false });
    } else {
      const puts = [putOldestState(removals.height)];
      await this.#store.write({ puts, deletes }, { sync: false });
      this.#current = current;
    }
    return true;
  }

  /** The oldest removals up to a height. */
  async #next(heightMax: bigint) {
    if (heightMax < 0n) return null;
    const range = { gte: removalsKey(0n), lt: removalsKey(heightMax + 1n), limit: 1 };
    for await (const record of this.#store.iterate(range)) {
      const removals = readRemovals(record);
      return { removals, dead: this.#deadNodes(removals) };
    }
    return null;
  }

  /**
   * Keys to remove in parts; each must be removed before a block is executed. A node that a later
   * block wrote again lives; only where that is possible the store is asked who wrote it.
   */
  async *#deadNodes({ height, nodes, cleared }: Removals): AsyncGenerator<Bytes[], void> {
    for (let at = 0; at < nodes.length;) {
      const keys = nodes.slice(at, at + this.#stepNodes);
      at += keys.length;
      const isCertain = this.#returned.covers(height, this.#height);
      const dead: Bytes[] = [];
      const doubtful: Bytes[] = [];
      for (const key of keys) {
        const mayLive = !isCertain || this.#returned.mayHave(hashOfNode(key));
        (mayLive ? doubtful : dead).push(key);
      }
      const values = doubtful.length === 0 ? [] : await this.#store.getMany(doubtful);
      yield [...dead, ...doubtful.filter((_, index) => isBefore(values[index] ?? null, height))];
    }
    for (const prefix of cleared) yield* this.#deadStorage(prefix, height);
  }

  async *#deadStorage(prefix: Bytes, height: bigint): AsyncGenerator<Bytes[], void> {
    const lt = behind(prefix);
    for (let from: Bytes | null = prefix; from !== null;) {
      const part = await this.#lookThrough({ gt: from, lt, limit: this.#stepNodes }, height);
      from = part.last;
      yield part.dead;
    }
  }

  /** Keys of nodes from before a height, and the last key that there is in the range. */
  async #lookThrough(range: RecordRange, height: bigint) {
    const dead: Bytes[] = [];
    let last: Bytes | null = null;
    for await (const [key, value] of this.#store.iterate(range)) {
      if (isBefore(value, height)) dead.push(key);
      last = key;
    }
    return { dead, last };
  }
}

/** Whether a node was written before a height; false if there is none. */
function isBefore(value: Bytes | null, height: bigint): boolean {
  return value !== null && heightOfNode(value) < height;
}

/** The first key that is behind all that begin with a prefix of a storage. */
function behind(prefix: Bytes): Bytes {
  // the first byte tells the kind of record, so that one below ff is always found
  const last = prefix.findLastIndex((byte) => byte !== 0xff);
  const key = prefix.slice(0, last + 1);
  key[last] = (key[last] ?? 0) + 1;
  return key;
}
