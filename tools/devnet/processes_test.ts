import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { identify, isRunning, parseStat, signal, waitForEnd } from "./processes.ts";

Deno.test("parseStat() is not misled by the name of the program", () => {
  const rest = Array.from({ length: 19 }, (_, index) => String(index + 1)).join(" ");
  assert.deepEqual(parseStat(`7 (a) b (c)) Z ${rest} 20`), { state: "Z", startTicks: "19" });
});

Deno.test("isRunning() tells a process from a later one with the same id", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const id = identify(child.pid);
  assert.ok(isRunning(id));
  assert.ok(!isRunning({ ...id, startTicks: "1" }));
  assert.deepEqual(await waitForEnd([id], { clock: SYSTEM_CLOCK, deadlineMs: 0 }), [id]);
  signal({ ...id, startTicks: "1" }, "SIGKILL");
  assert.ok(isRunning(id));
  signal(id, "SIGKILL");
  assert.deepEqual(await waitForEnd([id], { clock: SYSTEM_CLOCK, deadlineMs: 5_000 }), []);
  await child.status;
  signal(id, "SIGKILL");
});
