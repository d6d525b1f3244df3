import assert from "node:assert/strict";
import { seededRandom } from "../../../../shared/clock/mod.ts";
import { CountedClock } from "../../testing/counted_clock.ts";
import { BlockPace } from "./block_pace.ts";

/** Runs blocks one after the other; gives the time of their work and that of their pauses. */
function runBlocks(
  blockMs: number,
  pauseMs: () => number,
): { workMs: number; pausedMs: number; pauses: number } {
  const clock = new CountedClock(0);
  const pace = new BlockPace(clock);
  let [workMs, pausedMs, pauses] = [0, 0, 0];
  for (let block = 0; block < 50; block++) {
    pace.begin();
    for (let ms = 0; ms < blockMs; ms++) {
      clock.pass(1);
      workMs++;
      if (!pace.mustPause()) continue;
      const sinceMs = clock.monotonicMs();
      const takenMs = pauseMs();
      clock.pass(takenMs);
      pausedMs += takenMs;
      pauses++;
      pace.goOn(sinceMs);
    }
  }
  return { workMs, pausedMs, pauses };
}

Deno.test("BlockPace lets pauses take at most a 16th of the time of long blocks", () => {
  const { workMs, pausedMs } = runBlocks(1_000, () => 1);
  assert(pausedMs <= workMs / 16, `${pausedMs} of ${workMs} ms`);
  assert(pausedMs >= workMs / 20, `${pausedMs} of ${workMs} ms`);
});

Deno.test("BlockPace does so whatever a pause takes, over blocks that follow each other", () => {
  const random = seededRandom(7);
  for (const blockMs of [20, 100, 1_000]) {
    const { workMs, pausedMs, pauses } = runBlocks(blockMs, () => 20 * random() ** 2);
    assert(pausedMs <= workMs / 16 + 20, `${pausedMs} of ${workMs} ms`);
    assert(pauses > 5);
  }
});

Deno.test("BlockPace does not pause short blocks, and long ones every 16 ms", () => {
  assert.equal(runBlocks(15, () => 1).pauses, 0);
  assert.equal(runBlocks(160, () => 0.1).pauses, 50 * 10);
});

Deno.test("BlockPace gives calls a share only of blocks that take 200 ms", () => {
  const clock = new CountedClock(0);
  const pace = new BlockPace(clock);
  for (let block = 0; block < 2; block++) {
    pace.begin();
    clock.pass(199);
    assert(!pace.allowsCalls);
    clock.pass(1);
    assert(pace.allowsCalls);
  }
});
