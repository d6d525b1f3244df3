import * as bft from "./consensus_bft/planted.ts";
import { suspectOf as bftSuspect } from "./consensus_bft/shrink.ts";
import * as raft from "./consensus_raft/planted.ts";
import * as chains from "./consensus_raft/planted_chains.ts";
import { suspectOf as raftSuspect } from "./consensus_raft/shrink.ts";
import type { Suspect } from "./suspect.ts";

/** A mistake that every node of a net makes, and whether a net of a seed shows it. */
export interface Mistake {
  readonly name: string;
  isFound(seed: number): boolean;
  /** The net of a seed with the mistake, if what happens to it can be told, and so shrunk. */
  readonly suspect?: (seed: number) => Suspect;
}

/** All that can be planted. */
export const MISTAKES: readonly Mistake[] = [
  ...bft.DEFECTS.map((defect) => ({
    name: `bft: ${defect.name}`,
    isFound: (seed: number) => bft.isFound(defect, seed),
    suspect: (seed: number) => bftSuspect(bft.defectScript(defect, seed), defect),
  })),
  ...raft.DEFECTS.map((defect) => ({
    name: `raft: ${defect.name}`,
    isFound: (seed: number) => raft.isFound(defect, seed),
    suspect: (seed: number) => raftSuspect(raft.defectScript(seed), defect),
  })),
  ...chains.DEFECTS.map((defect) => ({
    name: `chains by raft: ${defect.name}`,
    isFound: (seed: number) => chains.isFound(defect, seed),
  })),
];
