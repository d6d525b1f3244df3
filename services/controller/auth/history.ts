/**
 * Hashes of the transactions in the newest blocks: a transaction expires before its hash leaves the
 * window, so no transaction can be in a chain twice (spec/controller.md, 8.3). Keys are hex hashes.
 */
export class History {
  readonly #heightByHash = new Map<string, bigint>();
  readonly #hashesByHeight = new Map<bigint, readonly string[]>();

  /** Whether a block of the window holds the transaction. */
  has(hashHex: string): boolean {
    return this.#heightByHash.has(hashHex);
  }

  /** Number of remembered hashes. */
  get count(): number {
    return this.#heightByHash.size;
  }

  /** Remembers the transactions of a block and forgets the blocks that leave the window. */
  add(block: {
    readonly height: bigint;
    readonly hashes: readonly string[];
    readonly blockLimit: bigint;
  }): void {
    const { height, hashes, blockLimit } = block;
    for (const hash of hashes) this.#heightByHash.set(hash, height);
    this.#hashesByHeight.set(height, hashes);
    // usually one; more after the limit was lowered
    for (const [old, oldHashes] of this.#hashesByHeight) {
      if (old + blockLimit <= height) this.#forget(old, oldHashes);
    }
  }

  #forget(height: bigint, hashes: readonly string[]): void {
    this.#hashesByHeight.delete(height);
    for (const hash of hashes) {
      // a later block of a faulty chain may hold the same hash: that one stays
      if (this.#heightByHash.get(hash) === height) this.#heightByHash.delete(hash);
    }
  }
}
