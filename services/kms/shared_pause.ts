import type { Clock, Timer } from "../../shared/clock/mod.ts";

/**
 * How long this thread works at a stretch. A call takes some turns of the event loop and may wait
 * for a slice in each of them; handing over costs a millisecond.
 */
const SLICE_MS = 3;

/**
 * Pauses of all such work: unlike with the pause of shared/clock, all that is done within one turn
 * of the event loop shares a slice.
 */
export class SharedPause {
  readonly #clock: Clock;
  #slice: { readonly endMs: number; readonly timer: Timer } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves at once until a slice of time is used up, then after other events had their turn. */
  async take(): Promise<void> {
    if (this.#slice === null) {
      const timer = this.#clock.setTimer(0, () => this.#slice = null);
      this.#slice = { endMs: this.#clock.monotonicMs() + SLICE_MS, timer };
    } else if (this.#clock.monotonicMs() >= this.#slice.endMs) {
      await this.#clock.sleep(0);
    }
  }

  /** Ends the slice: nothing is under way afterwards. */
  stop(): void {
    this.#slice?.timer.cancel();
    this.#slice = null;
  }
}
