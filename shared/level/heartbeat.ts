import { type Clock, SYSTEM_CLOCK, type Timer } from "../clock/mod.ts";

/** How late a timer of the process may be; a beat costs some 20 µs. */
const BEAT_MS = 20;

/**
 * Keeps the timers of this process going while a native addon resolves promises.
 *
 * Deno 2.7.14 has a defect (denoland/deno#35212, mended in 2.9): the first promise that a Node-API
 * addon resolves makes V8 run microtasks earlier than the runtime expects. A timer that is set in
 * one of them, right behind the callback of another timer, is then never armed, and from there on
 * no timer fires any more. One that beats steadily, armed again inside of its own callback, makes
 * the runtime look at all of them: they are at most a beat late.
 */
export class Heartbeat {
  readonly #clock: Clock;
  #timer: Timer;

  constructor(clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
    this.#timer = this.#arm();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    return this.#clock.setTimer(BEAT_MS, () => {
      this.#timer = this.#arm();
    });
  }
}
