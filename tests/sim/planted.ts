/** `make sim-planted SEEDS=200 SEED=n KIND=text`: known mistakes, one at a time, and how many nets show them. */

import process from "node:process";
import { showProgress } from "../progress.ts";
import { countFromEnv, pickByEnv, seedFromEnv } from "../run_options.ts";
import { MISTAKES } from "./mistakes.ts";
import { runNets } from "./run_nets.ts";

const count = countFromEnv("SEEDS", 200);
const first = seedFromEnv();
let missed = 0;
for (const [index, { name }] of pickByEnv(MISTAKES)) {
  const progress = showProgress();
  let done = 0;
  let found = 0;
  await runNets({ list: "mistakes", index, first, count }, (seed, result) => {
    if ("failure" in result) throw new Error(`${name}: SEED=${seed} fails: ${result.failure}`);
    if ("isFound" in result && result.isFound) found++;
    progress.show(`${name}: found in ${found} of ${++done} nets`);
  });
  progress.end();
  console.log(`found in ${String(found).padStart(5)} of ${count} nets: ${name}`);
  if (found === 0) missed++;
}
process.exit(missed === 0 ? 0 : 1);
