import assert from "node:assert/strict";
import { pickByName, readCount } from "./run_options.ts";

Deno.test("readCount() takes whole numbers from 1 and names the option that is none", () => {
  assert.equal(readCount("RUNS", "100000"), 100_000);
  for (const text of ["", "0", "-1", "1e5", "1.5", "100k", "NaN"]) {
    assert.throws(() => readCount("RUNS", text), {
      message: `Cannot use RUNS: it must be 1 or more, got "${text}"`,
    });
  }
});

Deno.test("pickByName() keeps the places of what it picks, and refuses to pick nothing", () => {
  const items = [{ name: "bft" }, { name: "raft of 3" }, { name: "raft of 5" }];
  assert.deepEqual(pickByName(items, "raft").map(([index]) => index), [1, 2]);
  assert.equal(pickByName(items, "").length, 3);
  assert.throws(() => pickByName(items, "pbft"), {
    message: 'Cannot use KIND: it must be part of "bft", "raft of 3", "raft of 5", got "pbft"',
  });
});
