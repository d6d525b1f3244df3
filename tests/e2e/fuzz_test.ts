import assert from "node:assert/strict";
import { SYSTEM_RANDOM } from "../../shared/clock/mod.ts";
import { runFuzz } from "../fuzz/fuzz.ts";
import { TARGETS } from "../fuzz/targets.ts";

/** `make fuzz RUNS=100000` does more of the same. */
const RUNS = 300;

for (const [name, openTarget] of Object.entries(TARGETS)) {
  Deno.test(`${name} answers random and damaged requests as its model allows`, async () => {
    const seed = Math.floor(SYSTEM_RANDOM() * 2 ** 32);
    const outcome = await runFuzz({ target: await openTarget(), runs: RUNS, seed });
    assert.deepEqual(outcome.violations, [], `seed ${seed}`);
    assert.equal(outcome.runs, RUNS);
  });
}
