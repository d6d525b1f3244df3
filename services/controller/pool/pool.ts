import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import { estimateSize } from "./size.ts";

/** A transaction whose hash and signature were verified. */
export interface PooledTransaction {
  /** The hash in hex. */
  readonly key: string;
  readonly raw: RawTransaction;
  readonly hash: Bytes;
  /** Upper estimate of its encoded size, in bytes. */
  readonly size: number;
}

/**
 * Verified transactions that wait for a block, in order of arrival (spec/controller.md, 9). Not
 * limited in number: whatever is in it expires within the block limit, and verifying signatures
 * bounds how fast it can grow.
 */
export class Pool {
  readonly #byHash = new Map<string, PooledTransaction>();

  /** Number of waiting transactions. */
  get count(): number {
    return this.#byHash.size;
  }

  /** The transaction with that hash, in hex. */
  get(hashHex: string): PooledTransaction | undefined {
    return this.#byHash.get(hashHex);
  }

  /** Adds a verified transaction; false when one with its hash is there already. */
  add(raw: RawTransaction): boolean {
    const hash = rawTransactionHash(raw);
    if (hash === null) return false;
    const key = toHex(hash);
    if (this.#byHash.has(key)) return false;
    this.#byHash.set(key, { key, raw, hash, size: estimateSize(raw) });
    return true;
  }

  /** Takes out the transactions of a block, by their hashes in hex. */
  remove(hashes: Iterable<string>): void {
    for (const hash of hashes) this.#byHash.delete(hash);
  }

  /** Everything in order of arrival; entries may be removed meanwhile. */
  values(): IterableIterator<PooledTransaction> {
    return this.#byHash.values();
  }
}
