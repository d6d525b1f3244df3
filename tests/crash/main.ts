/** `make crash KILLS=500 SEED=n FLAVOUR=storage_rocksdb`: the harness of crash.ts by hand. */

import process from "node:process";
import { showProgress } from "../progress.ts";
import { countFromEnv, seedFromEnv } from "../run_options.ts";
import { type CrashOutcome, runCrash } from "./crash.ts";

const kills = countFromEnv("KILLS", 500);
const seed = seedFromEnv();
const flavour = Deno.env.get("FLAVOUR") ?? "storage_rocksdb";

function summary({ kills, acknowledged, refused, checked, violations, ...outcome }: CrashOutcome) {
  const count = (wanted: string) => violations.filter(({ kind }) => kind === wanted).length;
  return `${kills} kills (${outcome.killsWhileStarting} while starting), ${acknowledged} ` +
    `acknowledged writes, ${refused} refused, ${checked} checks, ${count("lost")} lost, ` +
    `${count("torn")} torn`;
}

console.log(`crash: ${flavour}, ${kills} kills, seed ${seed}`);
const progress = showProgress();
const outcome = await runCrash({
  kills,
  seed,
  flavour,
  onProgress: (outcome) => progress.show(summary(outcome)),
});
progress.end();
for (const { kind, text } of outcome.violations) console.error(`${kind}: ${text}`);
console.log(`seed ${seed}: ${summary(outcome)}`);
process.exit(outcome.violations.length === 0 && outcome.refused === 0 ? 0 : 1);
