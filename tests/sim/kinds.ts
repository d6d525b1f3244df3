import { betrayedShape, honestShape, runScript } from "./consensus_bft/chaos.ts";
import { scriptOf } from "./consensus_bft/planner.ts";
import type { NetShape, Script } from "./consensus_bft/script.ts";
import { runGroup } from "./consensus_raft/chaos.ts";
import { runChain } from "../../services/consensus/raft/testing/chain_chaos.ts";
import { ChaosRun as WholeRun } from "./controller/chaos.ts";

/** What a net came to. */
export interface KindOutcome {
  /** Heights decided before all was well again. */
  readonly heightInChaos: bigint;
  /** Virtual time from the end of all faults until all was well. */
  readonly recoveryMs: number;
}

/** A kind of net, and how one of a seed fares. */
export interface Kind {
  readonly name: string;
  /** @throws when an invariant does not hold or the chain does not grow again */
  readonly run: (seed: number) => KindOutcome | Promise<KindOutcome>;
  /** What happens to the net of a seed, if that can be told, and so shrunk. */
  readonly script?: (seed: number) => Script;
}

/** Heights that a net decides in chaos: enough for each seed to be worth its start, or plenty. */
const SOME = 20;
const MANY = 100;

/** Kinds by what `make` calls them together. */
export const KINDS: Readonly<Record<"sim" | "sim-consensus", readonly Kind[]>> = {
  sim: [
    bftKind("bft", SOME, honestShape),
    bftKind("bft among traitors", SOME, betrayedShape),
    { name: "raft of 3", run: (seed) => runGroup(seed, 3, SOME) },
    { name: "raft of 5", run: (seed) => runGroup(seed, 5, SOME) },
    { name: "chains by raft", run: (seed) => runChain(seed, SOME) },
    { name: "whole nodes", run: (seed) => new WholeRun(seed).run() },
  ],
  "sim-consensus": [
    bftKind("bft of 4 with a traitor", MANY, () => ({ nodeCount: 4, traitorCount: 1 })),
    bftKind("bft of 7 with two traitors", MANY, () => ({ nodeCount: 7, traitorCount: 2 })),
    bftKind("bft of 4 that change", MANY, () => ({ nodeCount: 4, isChanging: true })),
    { name: "raft of 3", run: (seed) => runGroup(seed, 3, MANY) },
    { name: "raft of 5", run: (seed) => runGroup(seed, 5, MANY) },
    // with controllers and log files a height costs ten times as much
    { name: "chains by raft", run: (seed) => runChain(seed, SOME) },
  ],
};

/** What `make` calls some kinds together. */
export type KindList = keyof typeof KINDS;

function bftKind(name: string, heights: number, shapeOf: (seed: number) => NetShape): Kind {
  const script = (seed: number) => scriptOf(seed, shapeOf(seed), heights);
  return { name, script, run: (seed) => runScript(script(seed)) };
}
