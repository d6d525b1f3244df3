/** `make fuzz RUNS=100000 SEED=n`: the runs of fuzz.ts by hand, shared out to all targets. */

import process from "node:process";
import { useStrictUtf8 } from "../../shared/codec/mod.ts";
import { showProgress } from "../progress.ts";
import { countFromEnv, seedFromEnv } from "../run_options.ts";
import { type FuzzOutcome, runFuzz } from "./fuzz.ts";
import { TARGETS } from "./targets.ts";

const runs = countFromEnv("RUNS", 100_000);
const seed = seedFromEnv();

function printOutcomes({ name, outcomes, residentBytes }: FuzzOutcome): void {
  console.log(`${name}: ${Math.round(residentBytes / 2 ** 20)} MiB in use at the end`);
  for (const [method, counts] of [...outcomes].sort()) {
    const sorted = [...counts].sort(([, left], [, right]) => right - left);
    console.log(`  ${method}: ${sorted.map(([code, count]) => `${code} x${count}`).join(", ")}`);
  }
}

useStrictUtf8();
const targets = Object.entries(TARGETS);
console.log(`fuzz: ${runs} requests, seed ${seed}`);
const progress = showProgress();
let done = 0;
const violations: string[] = [];
for (const [name, openTarget] of targets) {
  const outcome = await runFuzz({
    target: await openTarget(),
    runs: Math.ceil(runs / targets.length),
    seed,
    onProgress: (count) => progress.show(`${done + count} of ${runs} requests, ${name}`),
  });
  progress.end();
  done += outcome.runs;
  violations.push(...outcome.violations.map((text) => `${outcome.name}: ${text}`));
  printOutcomes(outcome);
}
for (const text of violations) console.error(text);
console.log(`seed ${seed}: ${done} requests, ${violations.length} violations`);
process.exit(violations.length === 0 ? 0 : 1);
