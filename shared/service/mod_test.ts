import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { ConfigError, parseDocument } from "../config/mod.ts";
import { SILENT_LOGGER } from "../log/mod.ts";
import { chooseFlavour, explained, lockFolder, runUntilStopped, StartRefusal } from "./mod.ts";

function choose(source: string, wanted?: string): string {
  try {
    return chooseFlavour({
      role: "consensus",
      document: parseDocument(source, "config.toml"),
      names: ["consensus_bft", "consensus_demo"],
      unavailable: { consensus_raft: "this version has consensus_bft only" },
      wanted,
    });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

Deno.test("chooseFlavour() takes the flavour whose table is there", () => {
  assert.equal(choose("[consensus_bft]\n[controller]\n"), "consensus_bft");
  assert.equal(choose("[consensus_demo]\n"), "consensus_demo");
});

Deno.test("chooseFlavour() explains why it cannot choose", () => {
  assert.equal(
    choose("[controller]\n"),
    'Cannot use "config.toml": it must have a table [consensus_bft] or [consensus_demo]',
  );
  assert.match(
    choose("[consensus_bft]\n[consensus_demo]\n"),
    /tables \[consensus_bft\] and \[consensus_demo\], keep one or give --flavour/,
  );
  assert.match(
    choose("[consensus_bft]\n[consensus_raft]\n"),
    /tables \[consensus_bft\] and \[consensus_raft\], keep one or give --flavour/,
  );
  assert.match(choose("[consensus_raft]\n"), /\[consensus_raft\] .*has consensus_bft only/);
  assert.match(choose("", "x"), /--flavour "x": it must be one of "consensus_bft"/);
});

Deno.test("chooseFlavour() lets --flavour choose among several tables", () => {
  assert.equal(choose("[consensus_bft]\n[consensus_demo]\n", "consensus_demo"), "consensus_demo");
});

function serviceProcess() {
  const stopRequest = new AbortController();
  return { log: SILENT_LOGGER, clock: SYSTEM_CLOCK, stopRequest };
}

Deno.test("runUntilStopped() stops the service when asked and succeeds", async () => {
  const process = serviceProcess();
  let stops = 0;
  const start = () => {
    process.stopRequest.abort();
    return Promise.resolve({ stop: () => Promise.resolve(void stops++) });
  };
  assert.equal(await runUntilStopped(start, process), 0);
  assert.equal(stops, 1);
});

Deno.test("runUntilStopped() fails when the service cannot start, not when it was stopped", async () => {
  const fail = () => Promise.reject(new Error("no port"));
  assert.equal(await runUntilStopped(fail, serviceProcess()), 1);
  const process = serviceProcess();
  process.stopRequest.abort();
  assert.equal(await runUntilStopped(fail, process), 0);
});

Deno.test("runUntilStopped() ends with the exit code of a refused start", async () => {
  const refuse = () => Promise.reject(new StartRefusal("password mismatch!", 101));
  assert.equal(await runUntilStopped(refuse, serviceProcess()), 101);
});

Deno.test("runUntilStopped() stops a service that was asked to stop before it ran", async () => {
  const process = serviceProcess();
  process.stopRequest.abort();
  const stop = () => Promise.resolve();
  assert.equal(await runUntilStopped(() => Promise.resolve({ stop }), process), 0);
});

Deno.test("lockFolder() gives a folder to one at a time", async () => {
  const path = await Deno.makeTempDir({ prefix: "lock_folder_" });
  const first = await lockFolder(`${path}/new`);
  await assert.rejects(
    lockFolder(`${path}/new`),
    (error) =>
      error instanceof StartRefusal && /Cannot use ".*new": it must not/.test(error.message),
  );
  first.close();
  (await lockFolder(`${path}/new`)).close();
  await Deno.remove(path, { recursive: true });
});

Deno.test("explained() makes faults of the given kinds refusals to start, and no others", async () => {
  const fault = new RangeError("the index is no height");
  const refusal = { name: "StartRefusal", message: fault.message, exitCode: 1, cause: fault };
  await assert.rejects(explained(Promise.reject(fault), TypeError, RangeError), refusal);
  await assert.rejects(explained(Promise.reject(fault), TypeError), fault);
  assert.equal(await explained(Promise.resolve("started"), RangeError), "started");
});
