/** `make sim` and `make sim-consensus`, SEEDS=n SEED=n KIND=text: nets in chaos, kind by kind. */

import process from "node:process";
import { showProgress } from "../progress.ts";
import { countFromEnv, pickByEnv, seedFromEnv } from "../run_options.ts";
import { type KindList, KINDS } from "./kinds.ts";
import { type NetRun, runNets } from "./run_nets.ts";

const [list = ""] = Deno.args;
if (!isKindList(list)) throw new Error(`Cannot run "${list}": it must be sim or sim-consensus`);
const first = seedFromEnv();
const count = countFromEnv("SEEDS", 1);
let failures = 0;
for (const [index, { name }] of pickByEnv(KINDS[list])) {
  failures += await runKind({ name, list, index, first, count });
}
process.exit(failures === 0 ? 0 : 1);

function isKindList(name: string): name is KindList {
  return Object.hasOwn(KINDS, name);
}

/** Tells how nets of a kind fare; gives the number of those that failed. */
async function runKind({ name, ...run }: NetRun & { readonly name: string }): Promise<number> {
  const progress = showProgress();
  let done = 0;
  let failures = 0;
  let blocks = 0n;
  let longestMs = 0;
  await runNets(run, (seed, result) => {
    done++;
    if ("outcome" in result) {
      blocks += result.outcome.heightInChaos;
      longestMs = Math.max(longestMs, result.outcome.recoveryMs);
    } else if ("failure" in result) {
      failures++;
      progress.end();
      console.error(
        `${name}: make ${list} SEED=${seed} SEEDS=1 KIND="${name}" fails: ${result.failure}`,
      );
    }
    progress.show(`${name}: ${done} of ${count} nets, ${failures} failed`);
  });
  progress.end();
  console.log(
    `${name}: ${count} nets from seed ${first} on, ${failures} failed, ${blocks} blocks in chaos, ` +
      `at most ${Math.round(longestMs / 1_000)} s until all was well again`,
  );
  return failures;
}
