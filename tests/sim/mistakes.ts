import * as bft from "./consensus_bft/planted.ts";
import * as raft from "./consensus_raft/planted.ts";
import * as chains from "./consensus_raft/planted_chains.ts";

/** A mistake that every node of a net makes, and whether a net of a seed shows it. */
export interface Mistake {
  readonly name: string;
  isFound(seed: number): boolean;
}

/** All that can be planted. */
export const MISTAKES: readonly Mistake[] = [
  ...bft.DEFECTS.map((defect) => ({
    name: `bft: ${defect.name}`,
    isFound: (seed: number) => bft.isFound(defect, seed),
  })),
  ...raft.DEFECTS.map((defect) => ({
    name: `raft: ${defect.name}`,
    isFound: (seed: number) => raft.isFound(defect, seed),
  })),
  ...chains.DEFECTS.map((defect) => ({
    name: `chains by raft: ${defect.name}`,
    isFound: (seed: number) => chains.isFound(defect, seed),
  })),
];
