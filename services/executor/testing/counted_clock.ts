import { VirtualClock } from "../../../shared/clock/testing/virtual_clock.ts";

/** A clock that moves on each time it is read, as if all work took place between two readings. */
export class CountedClock extends VirtualClock {
  #passedMs = 0;

  /** @param readingMs time from one reading to the next */
  constructor(readonly readingMs: number) {
    super();
  }

  override monotonicMs(): number {
    return this.#passedMs += this.readingMs;
  }

  /** Lets time pass without a reading. */
  pass(ms: number): void {
    this.#passedMs += ms;
  }
}
