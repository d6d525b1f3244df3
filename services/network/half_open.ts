/** Connections at once that strangers may hold without having shown what they are. */
export const HALF_OPEN_MAX = 1_024;

/**
 * Accepted connections that are not useful yet. Beyond the limit the oldest one ends: an honest
 * peer is through within a few round trips, so that a crowd that only sits there does not lock it
 * out, as refusing the newest one would.
 */
export class HalfOpen {
  readonly #countMax: number;
  /** What ends each of them, oldest first. */
  readonly #ends = new Set<(reason: string) => void>();

  constructor(countMax = HALF_OPEN_MAX) {
    this.#countMax = countMax;
  }

  /** How many there are. */
  get count(): number {
    return this.#ends.size;
  }

  /**
   * Adds one.
   *
   * @param end called at most once, when it has to go
   * @returns what to call when it is open or gone
   */
  add(end: (reason: string) => void): () => void {
    if (this.#ends.size >= this.#countMax) {
      const [oldest] = this.#ends;
      if (oldest !== undefined) this.#ends.delete(oldest);
      oldest?.(`more than ${this.#countMax} connections are half-open`);
    }
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** Ends all of them. */
  endAll(reason: string): void {
    for (const end of this.#ends) end(reason);
    this.#ends.clear();
  }
}
