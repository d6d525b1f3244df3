import { type BlockOutcome, Chain, type ChainParts } from "./chain/chain.ts";
import type { OpenBlock } from "./chain/open_block.ts";
import { Pruner } from "./chain/pruner.ts";
import type { RecordStore } from "./chain/records.ts";
import type { Pace, Work } from "./work.ts";

/** A block that was executed and has to be written. */
type Executed = Extract<BlockOutcome, { kind: "executed" }>;

/** A chain over its store, which shows nothing that is not on disk. */
export class StoredChain {
  readonly #parts: ChainParts;
  readonly #store: RecordStore;
  readonly #chain: Chain;
  /** Null when no state is to be removed. */
  readonly #pruner: Pruner | null;
  /** Whether the chain has a block that is not on disk, or is void. */
  #isAhead = false;
  /** Loaded from disk when it is asked for meanwhile. */
  #onDisk: Chain | null = null;

  /** Loads what is stored. */
  constructor(parts: Omit<ChainParts, "reader">, store: RecordStore) {
    this.#parts = { ...parts, reader: store };
    this.#store = store;
    this.#chain = new Chain(this.#parts);
    const { statesKept } = parts;
    this.#pruner = statesKept === null ? null : new Pruner({ store, statesKept });
  }

  /**
   * The blocks that are on disk. While a block is written that is another object than before, which
   * no block changes any more; in it calls can begin again that were paused.
   */
  get shown(): Chain {
    return this.#isAhead ? this.#onDisk ??= new Chain(this.#parts, this.#chain) : this.#chain;
  }

  /** With a block that may not be on disk yet: for figures about it, not for answers. */
  get latest(): Chain {
    return this.#chain;
  }

  /** As {@linkcode Chain.execute}; an executed block has to be written next. */
  *execute(block: OpenBlock, pace: Pace): Work<BlockOutcome> {
    let outcome: BlockOutcome | null = null;
    try {
      return outcome = yield* this.#chain.execute(block, pace);
    } finally {
      this.#isAhead = outcome === null || outcome.kind === "executed";
    }
  }

  /** Writes an executed block. If that fails, all of this object is void: close it. */
  async write({ header, puts }: Executed): Promise<void> {
    await this.#store.write({ puts }, { sync: true });
    this.#chain.stored();
    this.#pruner?.written(header.height, puts);
    this.#isAhead = false;
    this.#onDisk = null;
  }

  /** Does a part of the removal of old states, between two blocks; false if nothing is left. */
  async prune(): Promise<boolean> {
    return await this.#pruner?.step(this.#chain.header.height) ?? false;
  }

  /** Closes the store. */
  close(): Promise<void> {
    return this.#store.close();
  }
}
