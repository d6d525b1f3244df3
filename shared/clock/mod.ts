/**
 * Time, timers and randomness. Everything else takes a {@linkcode Clock}, which is what makes the
 * simulator possible: no other folder may read the time or set a timer.
 *
 * @module
 */

/** A timer that has not fired yet can be cancelled. */
export interface Timer {
  cancel(): void;
}

/** The only source of time of a service. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds that never go back, with a fraction; for measuring durations. */
  monotonicMs(): number;
  /** Calls `fire` once after the delay, however long that is. */
  setTimer(delayMs: number, fire: () => void): Timer;
  /** Resolves after the delay, or as soon as the signal aborts: it never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** A longer delay is taken for none by the timers of the platform. */
const PLATFORM_DELAY_MS_MAX = 2 ** 31 - 1;

/** A timer of the platform, or of several one after the other. */
function startTimer(delayMs: number, fire: () => void): Timer {
  const partMs = Math.min(delayMs, PLATFORM_DELAY_MS_MAX);
  const goOn = () => {
    if (partMs === delayMs) return fire();
    timer = startTimer(delayMs - partMs, fire);
  };
  const id = setTimeout(goOn, partMs);
  let timer: Timer = { cancel: () => clearTimeout(id) };
  return { cancel: () => timer.cancel() };
}

/** The clock of the machine. */
export const SYSTEM_CLOCK: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: startTimer,
  sleep(delayMs, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = startTimer(delayMs, finish);
      signal?.addEventListener("abort", finish, { once: true });
    });
  },
};

/**
 * A pause function for a long computation, which must let other events in now and then: it resolves
 * at once until a slice of time is used up, then after all events that wait.
 */
export function createPause(clock: Clock, sliceMs: number): () => Promise<void> {
  let sliceEnd = clock.monotonicMs() + sliceMs;
  return async () => {
    if (clock.monotonicMs() < sliceEnd) return;
    await clock.sleep(0);
    sliceEnd = clock.monotonicMs() + sliceMs;
  };
}

/** Numbers in [0, 1), as `Math.random`. */
export type Random = () => number;

/** Unpredictable numbers; not for keys. */
export const SYSTEM_RANDOM: Random = () => {
  const [word = 0] = crypto.getRandomValues(new Uint32Array(1));
  return word / 2 ** 32;
};

/** A repeatable sequence of numbers from a 32-bit seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
