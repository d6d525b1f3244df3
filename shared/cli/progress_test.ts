import assert from "node:assert/strict";
import { type Clock, SYSTEM_CLOCK } from "../clock/mod.ts";
import { formatCount, Progress } from "./mod.ts";

/** What a progress line shows after each time and count. */
function shown(
  steps: readonly (readonly [timeMs: number, done: number])[],
  { total, isTerminal = true }: { total?: number; isTerminal?: boolean } = {},
): string[] {
  let nowMs = 0;
  const clock: Clock = { ...SYSTEM_CLOCK, monotonicMs: () => nowMs };
  const written: string[] = [];
  const output = {
    out: () => assert.fail("results only"),
    err: (text: string) => void written.push(text),
  };
  const progress = new Progress({
    output,
    clock,
    unit: "heights",
    isTerminal,
    ...(total !== undefined && { total }),
  });
  for (const [timeMs, done] of steps) {
    nowMs = timeMs;
    progress.set(done);
  }
  progress.clear();
  progress.clear();
  return written.map((text) => text.replace("\r\x1b[K", "<"));
}

Deno.test("Progress shows share, speed and time left, and removes its line", () => {
  assert.deepEqual(shown([[2_000, 6_000], [4_000, 12_000]], { total: 24_000 }), [
    "<[######..................]  25 %  6,000 of 24,000 heights, 3,000/s, 6 s left",
    "<[############............]  50 %  12,000 of 24,000 heights, 3,000/s, 4 s left",
    "<",
  ]);
  const [line = ""] = shown([[1_000, 1]], { total: 7_200 });
  assert.match(line, /1\/s, 1 h 59 min left$/);
});

Deno.test("Progress without a total shows count and speed", () => {
  assert.deepEqual(shown([[1_000, 12]]), ["<12 heights, 12/s", "<"]);
});

Deno.test("Progress draws ten times a second at most, and only on a terminal", () => {
  const steps = Array.from({ length: 1_001 }, (_, i) => [i, i] as const);
  assert.equal(shown(steps, { total: 1_000 }).length, 11);
  assert.deepEqual(shown(steps, { isTerminal: false }), []);
});

Deno.test("formatCount() groups digits", () => {
  assert.equal(formatCount(1_234_567.4), "1,234,567");
});
