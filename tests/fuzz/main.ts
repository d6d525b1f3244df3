/** `make fuzz RUNS=100000 SEED=n`: the runs of fuzz.ts by hand, shared out to all targets. */

import process from "node:process";
import { SYSTEM_RANDOM } from "../../shared/clock/mod.ts";
import { useStrictUtf8 } from "../../shared/codec/mod.ts";
import { showProgress } from "../progress.ts";
import { type FuzzOutcome, runFuzz } from "./fuzz.ts";
import { kmsTarget } from "./kms_target.ts";
import { storageTarget } from "./storage_target.ts";

const runs = Number(Deno.env.get("RUNS") ?? 100_000);
const seed = Number(Deno.env.get("SEED") || Math.floor(SYSTEM_RANDOM() * 2 ** 32));

function printOutcomes({ name, outcomes, residentBytes }: FuzzOutcome): void {
  console.log(`${name}: ${Math.round(residentBytes / 2 ** 20)} MiB in use at the end`);
  for (const [method, counts] of [...outcomes].sort()) {
    const sorted = [...counts].sort(([, left], [, right]) => right - left);
    console.log(`  ${method}: ${sorted.map(([code, count]) => `${code} x${count}`).join(", ")}`);
  }
}

useStrictUtf8();
const targets = [await storageTarget("storage_rocksdb"), kmsTarget("sm"), kmsTarget("eth")];
console.log(`fuzz: ${runs} requests, seed ${seed}`);
const progress = showProgress();
let done = 0;
const violations: string[] = [];
for (const target of targets) {
  const outcome = await runFuzz({
    target,
    runs: Math.ceil(runs / targets.length),
    seed,
    onProgress: (count) => progress.show(`${done + count} of ${runs} requests, ${target.name}`),
  });
  progress.end();
  done += outcome.runs;
  violations.push(...outcome.violations.map((text) => `${outcome.name}: ${text}`));
  printOutcomes(outcome);
}
for (const text of violations) console.error(text);
console.log(`seed ${seed}: ${done} requests, ${violations.length} violations`);
process.exit(violations.length === 0 ? 0 : 1);
