import { AssertionError } from "node:assert/strict";
import type { ConsensusConfiguration } from "../../../proto/gen/common.ts";
import { RaftLogError } from "../../../services/consensus/raft/log/state.ts";
import type { Effect, Input } from "../../../services/consensus/raft/node/interface.ts";
import { runChain } from "./chain_chaos.ts";
import type { NodeRunner } from "../../../services/consensus/raft/testing/node_group.ts";
import { InvariantError } from "../../../shared/assert/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";

/** A mistake in how a chain is made from the log of raft, and how a node is made to make it. */
export interface Defect {
  readonly name: string;
  readonly plant: (runner: NodeRunner) => void;
}

/** Changes what the nodes learn and what they want done. */
function spoil(
  change: {
    readonly input?: (input: Input) => Input;
    readonly effects?: (effects: readonly Effect[]) => readonly Effect[];
  },
): Defect["plant"] {
  const { input: changeInput = (input) => input, effects: changeEffects = (same) => same } = change;
  return (runner) => {
    runner.spoil = (node) => {
      const step = node.step.bind(node);
      node.step = (input, nowMs) => changeEffects(step(changeInput(input), nowMs));
    };
  };
}

/** Believes that the controller took a block that it did not take. */
function skip(input: Input, last: ConsensusConfiguration): Input {
  if (input.kind === "checked") return { ...input, code: StatusCode.Success };
  if (input.kind === "committed") return { ...input, configuration: input.configuration ?? last };
  return input;
}

/** Mistakes of the reference (spec/consensus.md, sections 9.3, 11 and 13) and of its kind. */
export const DEFECTS: readonly Defect[] = [
  {
    name: "a block that the controller does not take is skipped (13.2)",
    plant(runner) {
      const last = () => runner.controller.configuration();
      spoil({ input: (input) => skip(input, last()) })(runner);
    },
  },
  {
    name: "whoever joins founds a group with the validators of now (9.3)",
    plant(runner) {
      runner.options = { ...runner.options, refoundsGroup: true };
    },
  },
  {
    name: "messages leave before what they rely on is stored",
    plant: spoil({
      effects: (effects) => [
        ...effects.filter(({ kind }) => kind === "send"),
        ...effects.filter(({ kind }) => kind !== "send"),
      ],
    }),
  },
];

/** Enough for a mistake to do harm in some of the chains. */
const HEIGHTS = 30;

/** Whether a chain of a seed whose nodes all make a mistake comes to harm that is noticed. */
export function isFound({ plant }: Defect, seed: number): boolean {
  try {
    runChain(seed, HEIGHTS, plant);
    return false;
  } catch (error) {
    if (
      error instanceof AssertionError || error instanceof InvariantError ||
      error instanceof RaftLogError
    ) return true;
    throw error;
  }
}
