import { type Random, seededRandom } from "../../../../shared/clock/mod.ts";
import { idOf, NodeGroup, type NodeRunner, validatorsOf } from "../testing/node_group.ts";

const SEEDS = Number(Deno.env.get("SEEDS") ?? 25);
const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const NODES = 5;
const BOUTS = 80;
const BOUT_MAX_MS = 1_500;

/** Added, removed, replaced; the last ones are those that must make blocks in the end. */
const PLAN = new Map([
  [0n, validatorsOf(0, 1, 2)],
  [4n, validatorsOf(0, 1, 2, 3)],
  [8n, validatorsOf(1, 2, 3, 4)],
  [12n, validatorsOf(0)],
  [16n, validatorsOf(2, 3, 4)],
]);
const LAST_VALIDATORS = [2, 3, 4];

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

Deno.test(`${SEEDS} groups in chaos from seed ${FIRST_SEED}: no fork, no vote twice, and blocks again when it ends`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const random = seededRandom(seed);
    const group = NodeGroup.started(NODES, PLAN);
    group.latencyMs = () => 1 + random() * 200;
    group.syncControllers();
    try {
      for (let bout = 0; bout < BOUTS; bout++) {
        group.run(random() * BOUT_MAX_MS);
        const runner = group.at(Math.floor(random() * NODES));
        if (runner.node === null) runner.start();
        else disturb(group, runner, random);
      }
      heal(group);
      group.untilHeight(25, LAST_VALIDATORS);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
