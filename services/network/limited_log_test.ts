import assert from "node:assert/strict";
import { LimitedLog } from "./limited_log.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import { RecordingLogger } from "./testing/recording_logger.ts";

Deno.test("LimitedLog.warn() logs a line per second and text, and how many it left out", () => {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const limited = new LimitedLog({ log, clock });
  for (let count = 0; count < 100; count++) limited.warn("refused", { reason: `reason ${count}` });
  limited.warn("dropped", { size: 3 });
  clock.advance(1_000);
  limited.warn("refused", { reason: "last" });
  clock.advance(999);
  limited.warn("refused", { reason: "soon" });
  assert.deepEqual(log.lines.map(({ message, fields }) => [message, fields]), [
    ["refused", { reason: "reason 0", unlogged: 0 }],
    ["dropped", { size: 3, unlogged: 0 }],
    ["refused", { reason: "last", unlogged: 99 }],
  ]);
});
