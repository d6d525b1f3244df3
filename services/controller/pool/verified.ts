import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { sameTransaction } from "../auth/mod.ts";
import { transactionKey } from "./key.ts";
import type { PoolLimits } from "./room.ts";
import { estimateSize } from "./size.ts";

/**
 * The transactions that were verified last, whether they got into the pool or not: those of a
 * proposal that was refused or of a synced block that is tried again need no second look. At least
 * as many as the limits say are remembered, at most twice as many: beyond, the older half goes.
 */
export class VerifiedTransactions {
  readonly #limits: PoolLimits;
  #newer = new Map<string, RawTransaction>();
  #newerSize = 0;
  #older: ReadonlyMap<string, RawTransaction> = new Map();

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /** Whether an equal one is among them, signature included. */
  has(raw: RawTransaction): boolean {
    const key = transactionKey(raw);
    const known = this.#newer.get(key) ?? this.#older.get(key);
    return known !== undefined && sameTransaction(known, raw);
  }

  /** Remembers a transaction whose hash and signature are right. */
  add(raw: RawTransaction): void {
    const { countMax, sizeMax } = this.#limits;
    const size = estimateSize(raw);
    if (this.#newer.size >= countMax || this.#newerSize + size > sizeMax) {
      this.#older = this.#newer;
      this.#newer = new Map();
      this.#newerSize = 0;
    }
    this.#newer.set(transactionKey(raw), raw);
    this.#newerSize += size;
  }
}
