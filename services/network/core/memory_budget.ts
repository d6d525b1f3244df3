/** Memory that many connections share, so that all of them together stay within a limit. */
export class MemoryBudget {
  #used = 0;

  constructor(readonly sizeMax: number) {}

  /** Reserves bytes; false when there are not as many left. */
  take(size: number): boolean {
    if (this.#used + size > this.sizeMax) return false;
    this.#used += size;
    return true;
  }

  /** Gives reserved bytes back. */
  release(size: number): void {
    this.#used -= size;
  }

  /** Bytes that are reserved. */
  get used(): number {
    return this.#used;
  }
}
