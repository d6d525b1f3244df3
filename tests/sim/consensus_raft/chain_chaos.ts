import assert from "node:assert/strict";
import { type Random, seededRandom } from "../../../shared/clock/mod.ts";
import type { ValidatorPlan } from "../../../services/consensus/raft/testing/model_controller.ts";
import {
  idOf,
  NodeGroup,
  type NodeRunner,
  validatorsOf,
} from "../../../services/consensus/raft/testing/node_group.ts";

const NODES = 5;
const BOUT_MAX_MS = 1_500;
/** Far more than it takes: a chain that comes to nothing in chaos is not worth its seed. */
const BOUTS_MAX = 2_000;
/** Heights between changes of the validators. */
const TERM = 4;
/** Blocks that show that all is well again. */
const GROWTH = 5;

/** What a chain came to. */
export interface ChainOutcome {
  readonly heightInChaos: bigint;
  readonly recoveryMs: number;
}

/**
 * A chain of a seed that grows to a height while its validators change, its nodes are killed between
 * any two effects, its controllers fail and its messages get lost, late and out of order.
 *
 * @param prepare done to every node before its start
 * @throws when controllers differ, a node votes twice, or no blocks come when all that ends
 */
export function runChain(
  seed: number,
  heights: number,
  prepare: (runner: NodeRunner) => void = () => {},
): ChainOutcome {
  const random = seededRandom(seed);
  const group = new NodeGroup(NODES, planOf(random, heights));
  for (const runner of group.runners) {
    prepare(runner);
    runner.start();
  }
  group.latencyMs = () => 1 + random() * 200;
  group.syncControllers();
  for (let bout = 0; group.height < heights; bout++) {
    assert(bout < BOUTS_MAX, `the chain only comes to height ${group.height} in chaos`);
    group.run(random() * BOUT_MAX_MS);
    const runner = group.at(Math.floor(random() * NODES));
    if (runner.node === null) runner.start();
    else disturb(group, runner, random);
  }
  const [heightInChaos, healedAtMs] = [BigInt(group.height), group.nowMs];
  heal(group);
  group.untilHeight(group.height + GROWTH, group.runners.map(({ number }) => number));
  return { heightInChaos, recoveryMs: group.nowMs - healedAtMs };
}

/** Some of the nodes are the validators, again and again others. */
function planOf(random: Random, heights: number): ValidatorPlan {
  const numbers = Array.from({ length: NODES }, (_, number) => number);
  const plan = new Map([[0n, validatorsOf(0, 1, 2)]]);
  for (let height = TERM; height <= heights; height += TERM) {
    const chosen = numbers.filter(() => random() < 0.5);
    plan.set(BigInt(height), validatorsOf(...chosen.length === 0 ? numbers : chosen));
  }
  return plan;
}

/** Something goes wrong with a node, or is right again. */
function disturb(group: NodeGroup, runner: NodeRunner, random: Random): void {
  const { controller } = runner;
  switch (Math.floor(random() * 4)) {
    case 0:
      runner.stepsLeft = Math.floor(random() * 30);
      return;
    case 1:
      controller.outage = controller.outage === undefined ? null : undefined;
      return;
    case 2: {
      const [deaf, loss] = [idOf(runner.number), random() * 0.3];
      const isOneWay = random() < 0.3;
      group.accepts = ({ from, to }) =>
        to !== deaf && (isOneWay || from !== deaf) && random() >= loss;
      return;
    }
    default:
      group.accepts = () => random() >= 0.05;
  }
}

function heal(group: NodeGroup): void {
  group.accepts = () => true;
  for (const runner of group.runners) {
    runner.controller.outage = undefined;
    runner.stepsLeft = Infinity;
    if (runner.node === null) runner.start();
  }
}
