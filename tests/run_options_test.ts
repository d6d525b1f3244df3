import assert from "node:assert/strict";
import { readCount } from "./run_options.ts";

Deno.test("readCount() takes whole numbers from 1 and names the option that is none", () => {
  assert.equal(readCount("RUNS", "100000"), 100_000);
  for (const text of ["", "0", "-1", "1e5", "1.5", "100k", "NaN"]) {
    assert.throws(() => readCount("RUNS", text), {
      message: `Cannot use RUNS: it must be 1 or more, got "${text}"`,
    });
  }
});
