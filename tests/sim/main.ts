/** `make sim SEEDS=1000 SEED=n`: nets in chaos by hand, of consensus, of raft, of whole nodes. */

import process from "node:process";
import { showProgress } from "../progress.ts";
import { countFromEnv, seedFromEnv } from "../run_options.ts";
import {
  betrayedShape,
  ChaosRun as ConsensusRun,
  honestShape,
  type NetShape,
} from "./consensus_bft/chaos.ts";
import { runGroup } from "./consensus_raft/chaos.ts";
import { ChaosRun as WholeRun } from "./controller/chaos.ts";

/** A kind of net, and how one of a seed fares. */
interface Kind {
  readonly name: string;
  /** @throws when an invariant does not hold or the chain does not grow again */
  run(seed: number): Promise<{ readonly heightInChaos: bigint; readonly recoveryMs: number }>;
}

function consensusKind(name: string, shapeOf: (seed: number) => NetShape): Kind {
  return {
    name,
    run(seed) {
      const outcome = new ConsensusRun(seed, shapeOf(seed)).run();
      if (!outcome.isRecovered) throw new Error("the chain does not grow again");
      return Promise.resolve(outcome);
    },
  };
}

const KINDS: readonly Kind[] = [
  consensusKind("consensus", honestShape),
  consensusKind("consensus among traitors", betrayedShape),
  { name: "raft of 3", run: (seed) => Promise.resolve(runGroup(3, seed)) },
  { name: "raft of 5", run: (seed) => Promise.resolve(runGroup(5, seed)) },
  { name: "whole nodes", run: (seed) => new WholeRun(seed).run() },
];

async function runKind({ name, run }: Kind, first: number, count: number): Promise<number> {
  const progress = showProgress();
  let failures = 0;
  let blocks = 0n;
  let longestMs = 0;
  for (let seed = first; seed < first + count; seed++) {
    progress.show(`${name}: ${seed - first} of ${count} nets, ${failures} failed`);
    try {
      const { heightInChaos, recoveryMs } = await run(seed);
      blocks += heightInChaos;
      longestMs = Math.max(longestMs, recoveryMs);
    } catch (error) {
      failures++;
      progress.end();
      console.error(`${name}: make sim SEED=${seed} SEEDS=1 fails: ${error}`);
    }
  }
  progress.end();
  console.log(
    `${name}: ${count} nets from seed ${first} on, ${failures} failed, ${blocks} blocks in chaos, ` +
      `at most ${Math.round(longestMs / 1_000)} s until all was well again`,
  );
  return failures;
}

const count = countFromEnv("SEEDS", 1_000);
const first = seedFromEnv();
let failures = 0;
for (const kind of KINDS) failures += await runKind(kind, first, count);
process.exit(failures === 0 ? 0 : 1);
