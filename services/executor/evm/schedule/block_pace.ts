import type { Clock } from "../../../../shared/clock/mod.ts";
import { GAS_SLICE, type Pace } from "../work.ts";

/**
 * A block runs so many times as long as the pause before: what pauses take delays it by a 16th. The
 * rest of the 10 % that calls may delay blocks goes to what they drive out of the processor's caches
 * and to collecting their garbage.
 */
const RUN_PER_PAUSE = 16;

/** How long read-only calls run, in a pause or between blocks, before waiting events are let in. */
export const CALLS_PER_TURN_MS = 1;

/** Without calls, a pause takes 0.1 ms. */
const RUN_MIN_MS = RUN_PER_PAUSE * CALLS_PER_TURN_MS;

/**
 * How long a block runs before calls have a share. A call pauses between two instructions, and the
 * longest one, hashing 4 MB, takes 10 to 30 ms: a short block would be delayed for more than a tenth.
 */
const RUN_BEFORE_CALLS_MS = 200;

/**
 * When a block pauses so that requests are read and calls have a share of the time. A pause takes as
 * long as it takes (many requests may wait, one instruction of a call may be slow), and the block
 * then runs on for a multiple of that, into the next blocks if need be.
 */
export class BlockPace implements Pace {
  readonly gasSlice = GAS_SLICE;
  readonly #clock: Clock;
  #nextPauseMs = 0;
  #callsFromMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A block begins. */
  begin(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#nextPauseMs = Math.max(this.#nextPauseMs, nowMs + RUN_MIN_MS);
    this.#callsFromMs = nowMs + RUN_BEFORE_CALLS_MS;
  }

  mustPause(): boolean {
    return this.#clock.monotonicMs() >= this.#nextPauseMs;
  }

  /** Whether calls may run in a pause that begins now, or else waiting events only. */
  get allowsCalls(): boolean {
    return this.#clock.monotonicMs() >= this.#callsFromMs;
  }

  /** The block goes on after it was paused since that time. */
  goOn(sinceMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#nextPauseMs = nowMs + Math.max(RUN_MIN_MS, RUN_PER_PAUSE * (nowMs - sinceMs));
  }
}
