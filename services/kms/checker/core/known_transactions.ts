/** Transactions remembered at most by a service: about 16 MB. */
export const KNOWN_TRANSACTIONS_MAX = 131_072;

/**
 * Digests of transactions that passed recently.
 *
 * Two generations instead of an exact order of use: what was added or asked for among the last
 * `max / 2` different ones is there, nothing older than `max` is. An exact order would make the
 * language's map rebuild itself now and then, 20 ms at this size during which nothing is answered.
 */
export class KnownTransactions {
  readonly #generationMax: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(max: number) {
    this.#generationMax = Math.max(1, Math.floor(max / 2));
  }

  /** Digests remembered now. */
  get count(): number {
    return this.#young.size + this.#old.size;
  }

  /** Remembers a digest, as the one used last. */
  add(digest: string): void {
    this.#young.add(digest);
    if (this.#young.size < this.#generationMax) return;
    this.#old = this.#young;
    this.#young = new Set();
  }

  /** Whether a digest is remembered; it then counts as used. */
  has(digest: string): boolean {
    if (this.#young.has(digest)) return true;
    if (!this.#old.has(digest)) return false;
    this.add(digest);
    return true;
  }
}
