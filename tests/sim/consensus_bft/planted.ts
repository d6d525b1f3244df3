import { AssertionError } from "node:assert/strict";
import type { Input } from "../../../services/consensus/bft/core/interface.ts";
import type { Machine } from "../../../services/consensus/bft/core/machine.ts";
import {
  decodeLeaderVote,
  isNil,
  MessageType,
  Step,
} from "../../../services/consensus/bft/core/messages.ts";
import { ChaosRun, honestShape } from "./chaos.ts";
import { scriptOf } from "./planner.ts";
import type { SimNode } from "./sim_node.ts";

/** A mistake that implementations of the protocol have made, and how a node is made to make it. */
export interface Defect {
  readonly name: string;
  readonly plant: (node: SimNode) => void;
}

/** Runs something on the state machine of a node right before each of its inputs. */
function beforeInput(node: SimNode, spoil: (machine: Machine, input: Input) => void): void {
  const post = node.post.bind(node);
  node.post = (input) => {
    // the view is the machine itself, which nobody else may touch
    if (node.core !== null) spoil(node.core.view as Machine, input);
    post(input);
  };
}

/** Heights that a net with a mistake gets to decide in chaos. */
const HEIGHTS = 30;

/** Mistakes of the reference (spec/consensus.md, section 8) and of its kind. */
export const DEFECTS: readonly Defect[] = [
  {
    name: "a node votes for another block than the one that it is locked on",
    plant: (node) => beforeInput(node, (machine) => machine.lock = null),
  },
  {
    name: "the unsigned news that a round has no block ends a lock",
    plant: (node) =>
      beforeInput(node, (machine, input) => {
        if (input.kind !== "message" || input.type !== MessageType.LeaderPrevote) return;
        const news = decodeLeaderVote(input.body);
        if (news !== null && isNil(news.hash)) machine.lock = null;
      }),
  },
  {
    name: "votes are sent before they are on disk",
    plant: (node) => node.disk.append = () => {},
  },
  {
    name: "half of the validators and one more are a quorum",
    plant: (node) =>
      beforeInput(node, (machine) => {
        machine.isQuorum = (count) => 2 * count > machine.validators.length;
      }),
  },
  {
    name: "a quorum of prevotes decides",
    plant: (node) =>
      beforeInput(node, (machine) => {
        if (machine.step === Step.PrecommitWait) machine.certificate ??= machine.polka;
      }),
  },
];

/** Whether a net of a seed, in which every node makes a mistake, comes to harm that is noticed. */
export function isFound({ plant }: Defect, seed: number): boolean {
  const run = new ChaosRun(scriptOf(seed, honestShape(seed), HEIGHTS));
  for (const node of run.net.nodes) plant(node);
  try {
    return !run.run().isRecovered;
  } catch (error) {
    if (error instanceof AssertionError) return true;
    throw error;
  }
}
