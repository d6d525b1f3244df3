import assert from "node:assert/strict";
import { type Clock, createPause, seededRandom, SYSTEM_CLOCK, SYSTEM_RANDOM } from "./mod.ts";

Deno.test("SYSTEM_CLOCK.sleep() ends at once when its signal aborts, before or while it sleeps", async () => {
  const controller = new AbortController();
  const sleeping = SYSTEM_CLOCK.sleep(3_600_000, controller.signal);
  controller.abort();
  await sleeping;
  await SYSTEM_CLOCK.sleep(3_600_000, controller.signal);
});

Deno.test("SYSTEM_CLOCK.setTimer() fires once, and never after it was cancelled", async () => {
  let cancelledFired = 0;
  SYSTEM_CLOCK.setTimer(1, () => cancelledFired++).cancel();
  await new Promise<void>((resolve) => SYSTEM_CLOCK.setTimer(2, resolve));
  assert.equal(cancelledFired, 0);
});

/** Runs a test with timers of the platform that end when it says so. */
function withPlatformTimers(test: (delays: number[], endFirst: () => void) => void): void {
  const { setTimeout, clearTimeout } = globalThis;
  const running = new Map<number, () => void>();
  const delays: number[] = [];
  Object.assign(globalThis, {
    setTimeout: (fire: () => void, delayMs: number) => {
      delays.push(delayMs);
      running.set(delays.length, fire);
      return delays.length;
    },
    clearTimeout: (id: number) => running.delete(id),
  });
  try {
    test(delays, () => {
      for (const [id, fire] of running) {
        running.delete(id);
        return fire();
      }
    });
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
}

Deno.test("SYSTEM_CLOCK.setTimer() takes delays that are too long for the platform", () => {
  withPlatformTimers((delays, endFirst) => {
    let fired = 0;
    SYSTEM_CLOCK.setTimer(2 ** 32, () => fired++);
    for (const expected of [0, 0, 1]) {
      endFirst();
      assert.equal(fired, expected);
    }
    assert.deepEqual(delays, [2 ** 31 - 1, 2 ** 31 - 1, 2]);
    const cancelled = SYSTEM_CLOCK.setTimer(2 ** 32, () => fired++);
    endFirst();
    cancelled.cancel();
    for (let part = 0; part < 3; part++) endFirst();
    assert.equal(fired, 1, "cancelled in its second part");
  });
});

Deno.test("createPause() lets others in when a slice is used up, and only then", async () => {
  let nowMs = 0;
  let pauses = 0;
  const clock: Clock = {
    ...SYSTEM_CLOCK,
    monotonicMs: () => nowMs,
    sleep() {
      pauses += 1;
      nowMs += 1_000; // others took long: that is no part of the next slice
      return Promise.resolve();
    },
  };
  const pause = createPause(clock, 50);
  for (; nowMs < 49; nowMs++) await pause();
  assert.equal(pauses, 0);
  nowMs = 50;
  await pause();
  await pause();
  assert.equal(pauses, 1);
});

Deno.test("seededRandom() repeats itself for a seed and differs for another", () => {
  const take = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
  assert.deepEqual(take(7), take(7));
  assert.notDeepEqual(take(7), take(8));
  for (const value of [...take(7), SYSTEM_RANDOM()]) assert(value >= 0 && value < 1);
});
