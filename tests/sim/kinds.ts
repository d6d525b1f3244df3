import { betrayedShape, honestShape, runNet } from "./consensus_bft/chaos.ts";
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
  run(seed: number): KindOutcome | Promise<KindOutcome>;
}

/** Heights that a net decides in chaos: enough for each seed to be worth its start, or plenty. */
const SOME = 20;
const MANY = 100;

/** Kinds by what `make` calls them together. */
export const KINDS = {
  sim: [
    { name: "consensus", run: (seed) => runNet(seed, honestShape(seed), SOME) },
    { name: "consensus among traitors", run: (seed) => runNet(seed, betrayedShape(seed), SOME) },
    { name: "raft of 3", run: (seed) => runGroup(seed, 3, SOME) },
    { name: "raft of 5", run: (seed) => runGroup(seed, 5, SOME) },
    { name: "chains by raft", run: (seed) => runChain(seed, SOME) },
    { name: "whole nodes", run: (seed) => new WholeRun(seed).run() },
  ],
  "sim-consensus": [
    { name: "bft of 4 with a traitor", run: (seed) => runNet(seed, traitors(4, 1), MANY) },
    { name: "bft of 7 with two traitors", run: (seed) => runNet(seed, traitors(7, 2), MANY) },
    { name: "bft of 4 that change", run: (seed) => runNet(seed, changing(4), MANY) },
    { name: "raft of 3", run: (seed) => runGroup(seed, 3, MANY) },
    { name: "raft of 5", run: (seed) => runGroup(seed, 5, MANY) },
    { name: "chains by raft", run: (seed) => runChain(seed, MANY) },
  ],
} as const satisfies Readonly<Record<string, readonly Kind[]>>;

/** What `make` calls some kinds together. */
export type KindList = keyof typeof KINDS;

function traitors(nodeCount: number, traitorCount: number) {
  return { nodeCount, traitorCount };
}

function changing(nodeCount: number) {
  return { nodeCount, isChanging: true };
}
