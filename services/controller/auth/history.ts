/** A block whose transactions are remembered. */
interface RememberedBlock {
  readonly height: bigint;
  /** Hashes of its transactions. */
  readonly hashes: readonly string[];
  /** The block limit that the block was made under: the one in force before it. */
  readonly blockLimit: bigint;
}

/**
 * Hashes of the transactions in the newest blocks: a transaction expires before its hash leaves, so
 * none can be in a chain twice (spec/controller.md, 8.3). A block is kept for as long as the limit
 * that it was made under lets its transactions be valid: unlike in the reference a limit that is
 * lowered later makes nothing be forgotten that is still valid. Keys are hex hashes.
 */
export class History {
  readonly #heightByHash = new Map<string, bigint>();
  readonly #blocks = new Map<bigint, RememberedBlock>();

  /** Whether a remembered block holds the transaction. */
  has(hashHex: string): boolean {
    return this.#heightByHash.has(hashHex);
  }

  /** Number of remembered hashes. */
  get count(): number {
    return this.#heightByHash.size;
  }

  /** The part of it that begins after a height; before the first block that is all of it. */
  after(height: bigint): Pick<History, "has"> {
    return {
      has: (hashHex) => {
        const at = this.#heightByHash.get(hashHex);
        return at !== undefined && at > height;
      },
    };
  }

  /** Remembers the transactions of a block and forgets those that have expired. */
  add(block: RememberedBlock): void {
    for (const hash of block.hashes) this.#heightByHash.set(hash, block.height);
    this.#blocks.set(block.height, block);
    for (const old of this.#blocks.values()) {
      if (old.height + old.blockLimit <= block.height) this.#forget(old);
    }
  }

  #forget({ height, hashes }: RememberedBlock): void {
    this.#blocks.delete(height);
    for (const hash of hashes) {
      // a later block of a faulty chain may hold the same hash: that one stays
      if (this.#heightByHash.get(hash) === height) this.#heightByHash.delete(hash);
    }
  }
}
