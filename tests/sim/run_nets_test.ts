import assert from "node:assert/strict";
import { KINDS } from "./kinds.ts";
import type { JobResult } from "./net_worker.ts";
import { runNets } from "./run_nets.ts";

async function resultsOf(index: number): Promise<Map<number, JobResult>> {
  const results = new Map<number, JobResult>();
  const run = { list: "sim", index, first: 7, count: 3 } as const;
  await runNets(run, (seed, result) => results.set(seed, result));
  return results;
}

Deno.test("runNets() gives for each seed what a run by itself comes to", async () => {
  const results = await resultsOf(0);
  assert.deepEqual([...results.keys()].sort(), [7, 8, 9]);
  for (const [seed, result] of results) {
    const alone = await KINDS.sim[0]?.run(seed);
    assert(alone !== undefined && "outcome" in result, `seed ${seed} fails`);
    const { heightInChaos, recoveryMs } = alone;
    assert.deepEqual(result.outcome, { heightInChaos, recoveryMs });
  }
});

Deno.test("runNets() gives the reason of a net that fails, and goes on", async () => {
  const results = await resultsOf(99);
  assert.deepEqual([...results.keys()].sort(), [7, 8, 9]);
  for (const result of results.values()) {
    assert.deepEqual(result, { failure: "Error: There is no number 99" });
  }
});
