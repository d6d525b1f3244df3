import assert from "node:assert/strict";
import { DEFAULT_TIMING } from "../../testing/core_fixture.ts";
import { Timing } from "./timing.ts";

Deno.test("Timing has the delays of the reference", () => {
  const timing = new Timing(DEFAULT_TIMING);
  assert.deepEqual([0n, 1n, 8n, 100n].map((r) => timing.proposeMs(r)), [
    2_400,
    4_800,
    614_400,
    614_400,
  ]);
  assert.deepEqual([0n, 1n, 9n].map((r) => timing.voteMs(r)), [2_400, 4_800, 24_000]);
  assert.equal(timing.commitMs(0n, 4), 12_000);
});

Deno.test("Timing repeats a newview each interval, however many validators there are", () => {
  const delays = (seconds: number) => {
    const timing = new Timing(DEFAULT_TIMING).withIntervalSeconds(seconds);
    return [1, 4, 31].map((count) => timing.newViewMs(count));
  };
  assert.deepEqual(delays(1), [3_000, 3_000, 3_000]);
  assert.deepEqual(delays(3), [3_000, 3_000, 3_000]);
  assert.deepEqual(delays(15), [15_000, 15_000, 15_000]);
});

/** Every wait inside a height. */
function waitsOf(timing: Timing): number[] {
  const rounds = [0n, 1n, 2n ** 63n];
  return [
    ...rounds.flatMap((round) => [timing.proposeMs(round), timing.voteMs(round)]),
    ...rounds.map((round) => timing.commitMs(round, 4)),
    timing.newViewMs(4),
    timing.retryMs(),
    timing.answerMs(),
  ];
}

Deno.test("Timing never waits so shortly that a round would be a loop without a pause", () => {
  const phases = { proposePhase: 1, prevotePhase: 1, wholePhase: 1_000_000 };
  for (const delayMs of waitsOf(new Timing({ ...DEFAULT_TIMING, ...phases }))) {
    assert(delayMs >= 200, `${delayMs}`);
  }
});

Deno.test("Timing waits an hour at most inside a height, and between two as long as the chain wants", () => {
  const seconds = 2 ** 32 - 1;
  const timing = new Timing(DEFAULT_TIMING).withIntervalSeconds(seconds);
  for (const delayMs of waitsOf(timing)) assert(delayMs <= 3_600_000, `${delayMs}`);
  assert.equal(timing.commitWaitMs(1_000), (seconds - 1) * 1_000);
});
