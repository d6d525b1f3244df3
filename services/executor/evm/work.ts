/** How a long computation lets others go on; no result depends on it. */
export interface Pace {
  /** Gas that code uses from one question to the next; more when one instruction takes more. */
  readonly gasSlice: number;
  /** Whether the computation must pause now. */
  mustPause(): boolean;
}

/**
 * Some 20 µs of usual code, so that asking costs less than 1 %. Instructions that read a slot from
 * the disk cost 50 of gas and up to 0.2 ms.
 */
export const GAS_SLICE = 5_000;

/** The pace of a computation that has nobody to wait for it. */
export const WITHOUT_PAUSE: Pace = { gasSlice: GAS_SLICE, mustPause: () => false };

/**
 * A computation in pieces: at every `yield` it pauses, as its {@linkcode Pace} demands, and tells
 * how many bytes of memory it holds meanwhile.
 */
export type Work<Result> = Generator<number, Result, void>;

/** Does work to its end. */
export function finish<Result>(work: Work<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
