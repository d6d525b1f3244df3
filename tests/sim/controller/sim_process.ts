import type { Clock } from "../../../shared/clock/mod.ts";
import type { World } from "../world.ts";

/** When the simulated worlds begin. */
const EPOCH_MS = 1_700_000_000_000;

/**
 * One life of a process: once it has ended nothing of it goes on, although its promises are still
 * there: they wait for ever.
 */
export class SimProcess {
  /** Resolves when the process ends. */
  readonly ended: Promise<void>;
  readonly clock: Clock;
  #isAlive = true;
  #end: () => void = () => {};

  /** @param jumpedMs by how much the machine's clock is wrong at the moment */
  constructor(readonly world: World, jumpedMs: () => number) {
    this.ended = new Promise((resolve) => this.#end = resolve);
    this.clock = {
      nowMs: () => EPOCH_MS + world.nowMs + jumpedMs(),
      monotonicMs: () => world.nowMs,
      setTimer: (delayMs, fire) => this.#setTimer(delayMs, fire),
      sleep: (delayMs) => this.pause(delayMs),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** `kill -9` */
  kill(): void {
    this.#isAlive = false;
    this.#end();
  }

  /** Resolves after that time; never when the process ends before. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#setTimer(delayMs, resolve));
  }

  /** What a caller outside gets from this process; null when it ends before it has answered. */
  answer<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
    return Promise.race([answer, this.ended.then(() => null)]);
  }

  #setTimer(delayMs: number, fire: () => void): { cancel(): void } {
    let isSet = true;
    this.world.schedule(delayMs, () => {
      if (isSet && this.#isAlive) fire();
    });
    return { cancel: () => isSet = false };
  }
}

/** For what a process that was killed waits for. */
export const NEVER: Promise<never> = new Promise(() => {});
