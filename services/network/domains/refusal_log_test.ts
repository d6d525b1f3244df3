import assert from "node:assert/strict";
import { ManualClock } from "../testing/manual_clock.ts";
import { RecordingLogger } from "../testing/recording_logger.ts";
import { RefusalLog } from "./refusal_log.ts";

Deno.test("RefusalLog.add() logs a line per second and how many it left out", () => {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const refusals = new RefusalLog({ log, clock });
  for (let count = 0; count < 100; count++) refusals.add("10.0.0.1:5", `reason ${count}`);
  clock.advance(1_000);
  refusals.add("10.0.0.2:5", "last");
  assert.deepEqual(log.lines.map(({ message, fields }) => [message, fields]), [
    ["tls report error: reason 0", { address: "10.0.0.1:5", unlogged: 0 }],
    ["tls report error: last", { address: "10.0.0.2:5", unlogged: 99 }],
  ]);
});
