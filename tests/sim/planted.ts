/** `make sim-planted SEEDS=200 SEED=n`: known mistakes, one at a time, and how many nets show them. */

import process from "node:process";
import { showProgress } from "../progress.ts";
import { countFromEnv, seedFromEnv } from "../run_options.ts";
import { DEFECTS, isFound } from "./consensus_bft/planted.ts";

const count = countFromEnv("SEEDS", 200);
const first = seedFromEnv();
const seeds = Array.from({ length: count }, (_, index) => first + index);
let missed = 0;
for (const defect of DEFECTS) {
  const progress = showProgress();
  progress.show(defect.name);
  const found = seeds.filter((seed) => isFound(defect, seed)).length;
  progress.end();
  console.log(`found in ${String(found).padStart(5)} of ${count} nets: ${defect.name}`);
  if (found === 0) missed++;
}
process.exit(missed === 0 ? 0 : 1);
