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
