import assert from "node:assert/strict";
import { type Clock, SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { SharedPause } from "./shared_pause.ts";

/** A clock whose event loop turns when somebody sleeps. */
class TurningClock implements Clock {
  now = 1000;
  turns = 0;
  #timers: (() => void)[] = [];

  nowMs = () => this.now;
  monotonicMs = () => this.now;
  setTimer = (_delayMs: number, fire: () => void) => {
    this.#timers.push(fire);
    return { cancel: () => {} };
  };
  sleep = () => Promise.resolve(this.turn());

  turn(): void {
    this.turns++;
    for (const fire of this.#timers.splice(0)) fire();
  }
}

Deno.test("SharedPause.take() gives way once per slice of time", async () => {
  const clock = new TurningClock();
  const pause = new SharedPause(clock);
  for (let i = 0; i < 100; i++) {
    await pause.take();
    clock.now += 1;
  }
  assert.equal(clock.turns, 25);
});

Deno.test("SharedPause.take() starts a new slice after a turn of the event loop", async () => {
  const clock = new TurningClock();
  const pause = new SharedPause(clock);
  for (let i = 0; i < 100; i++) {
    clock.now += 100;
    clock.turn(); // other events had their turn
    await pause.take();
  }
  assert.equal(clock.turns, 100);
});

Deno.test("SharedPause.stop() leaves no timer behind", async () => {
  const pause = new SharedPause(SYSTEM_CLOCK);
  await pause.take();
  pause.stop(); // the runtime complains of a timer that is left
});
