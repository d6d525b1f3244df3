import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { EMPTY_BYTES, toHex } from "../../../shared/bytes/mod.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { sameTransaction } from "../auth/mod.ts";
import type { PoolLimits } from "./room.ts";
import { estimateSize } from "./size.ts";

/**
 * The transactions that were verified last, whether they got into the pool or not: those of a
 * proposal that was refused or of a synced block that is tried again need no second look. The oldest
 * go beyond the limits.
 */
export class VerifiedTransactions {
  readonly #limits: PoolLimits;
  /** The oldest come first. */
  readonly #byHash = new Map<string, RawTransaction>();
  #size = 0;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /** Whether an equal one is among them, signature included. */
  has(raw: RawTransaction): boolean {
    const known = this.#byHash.get(keyOf(raw));
    return known !== undefined && sameTransaction(known, raw);
  }

  /** Remembers a transaction whose hash and signature are right. */
  add(raw: RawTransaction): void {
    const key = keyOf(raw);
    this.#remove(key);
    this.#byHash.set(key, raw);
    this.#size += estimateSize(raw);
    for (const oldest of this.#byHash.keys()) {
      if (this.#byHash.size <= this.#limits.countMax && this.#size <= this.#limits.sizeMax) break;
      this.#remove(oldest);
    }
  }

  #remove(key: string): void {
    const raw = this.#byHash.get(key);
    if (raw === undefined) return;
    this.#byHash.delete(key);
    this.#size -= estimateSize(raw);
  }
}

function keyOf(raw: RawTransaction): string {
  return toHex(rawTransactionHash(raw) ?? EMPTY_BYTES);
}
