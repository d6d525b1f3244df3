/** `make sim-planted SEEDS=200 SEED=n`: known mistakes, one at a time, and how many nets show them. */

import process from "node:process";
import { showProgress } from "../progress.ts";
import { countFromEnv, seedFromEnv } from "../run_options.ts";
import * as bft from "./consensus_bft/planted.ts";
import * as raft from "./consensus_raft/planted.ts";

/** A mistake, and whether a net of a seed shows it. */
interface Planted {
  readonly name: string;
  isFound(seed: number): boolean;
}

const PLANTED: readonly Planted[] = [
  ...bft.DEFECTS.map((defect) => ({
    name: `bft: ${defect.name}`,
    isFound: (seed: number) => bft.isFound(defect, seed),
  })),
  ...raft.DEFECTS.map((defect) => ({
    name: `raft: ${defect.name}`,
    isFound: (seed: number) => raft.isFound(defect, seed),
  })),
];

const count = countFromEnv("SEEDS", 200);
const first = seedFromEnv();
const seeds = Array.from({ length: count }, (_, index) => first + index);
let missed = 0;
for (const { name, isFound } of PLANTED) {
  const progress = showProgress();
  progress.show(name);
  const found = seeds.filter(isFound).length;
  progress.end();
  console.log(`found in ${String(found).padStart(5)} of ${count} nets: ${name}`);
  if (found === 0) missed++;
}
process.exit(missed === 0 ? 0 : 1);
