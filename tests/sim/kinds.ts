import { betrayedShape, honestShape, runScript } from "./consensus_bft/chaos.ts";
import { scriptOf } from "./consensus_bft/planner.ts";
import type { NetShape } from "./consensus_bft/script.ts";
import * as bft from "./consensus_bft/shrink.ts";
import { groupScript, runGroup } from "./consensus_raft/chaos.ts";
import * as raft from "./consensus_raft/shrink.ts";
import { runChain } from "./consensus_raft/chain_chaos.ts";
import { ChaosRun as WholeRun } from "./controller/chaos.ts";
import type { Suspect } from "./suspect.ts";

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
  /** The net of a seed, if what happens to it can be told, and so shrunk. */
  readonly suspect?: (seed: number) => Suspect;
}

/** Heights that a net decides in chaos: enough for each seed to be worth its start, or plenty. */
const SOME = 20;
const MANY = 100;

/** Kinds by what `make` calls them together. */
export const KINDS: Readonly<Record<"sim" | "sim-consensus", readonly Kind[]>> = {
  sim: [
    bftKind("bft", SOME, honestShape),
    bftKind("bft among traitors", SOME, betrayedShape),
    raftKind("raft of 3", 3, SOME),
    raftKind("raft of 5", 5, SOME),
    { name: "chains by raft", run: (seed) => runChain(seed, SOME) },
    { name: "whole nodes", run: (seed) => new WholeRun(seed).run() },
  ],
  "sim-consensus": [
    bftKind("bft of 4 with a traitor", MANY, () => ({ nodeCount: 4, traitorCount: 1 })),
    bftKind("bft of 7 with two traitors", MANY, () => ({ nodeCount: 7, traitorCount: 2 })),
    bftKind("bft of 4 that change", MANY, () => ({ nodeCount: 4, isChanging: true })),
    raftKind("raft of 3", 3, MANY),
    raftKind("raft of 5", 5, MANY),
    // with controllers and log files a height costs ten times as much
    { name: "chains by raft", run: (seed) => runChain(seed, SOME) },
  ],
};

/** What `make` calls some kinds together. */
export type KindList = keyof typeof KINDS;

function bftKind(name: string, heights: number, shapeOf: (seed: number) => NetShape): Kind {
  const script = (seed: number) => scriptOf(seed, shapeOf(seed), heights);
  return {
    name,
    run: (seed) => runScript(script(seed)),
    suspect: (seed) => bft.suspectOf(script(seed), null),
  };
}

function raftKind(name: string, size: number, heights: number): Kind {
  const script = (seed: number) => groupScript(seed, size, heights);
  return {
    name,
    run: (seed) => runGroup(script(seed)),
    suspect: (seed) => raft.suspectOf(script(seed), null),
  };
}
