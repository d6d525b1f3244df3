import assert from "node:assert/strict";
import { NodeGroup, validatorsOf } from "../testing/node_group.ts";

/** The chain's validators never change. */
const fixed = (...numbers: number[]) => new Map([[0n, validatorsOf(...numbers)]]);

Deno.test("a node of a chain of its own makes a block per interval", () => {
  const group = NodeGroup.started(1, fixed(0));
  group.run(10_500);
  assert.equal(group.at(0).controller.blocks.length, 11);
});

Deno.test("a node of a chain of its own leads at once after a restart", () => {
  const group = NodeGroup.started(1, fixed(0));
  group.untilHeight(2, [0]);
  group.at(0).crash();
  group.at(0).start();
  group.run(100);
  assert(group.at(0).isLeader);
  assert.equal(group.at(0).controller.blocks.length, 3);
});

Deno.test("validators of a new chain found a group, the first of them leads, blocks are the same", () => {
  const group = NodeGroup.started(4, fixed(2, 0, 1, 3));
  group.untilHeight(5, [0, 1, 2, 3]);
  assert.equal(group.leader, group.at(2));
  assert.equal(group.leader?.node?.raft?.term, 6n);
});
Deno.test("each node in turn is killed before every effect of it: no vote twice, no block lost or changed", () => {
  for (const victim of [0, 1]) {
    const whole = NodeGroup.started(3, fixed(0, 1, 2));
    whole.untilHeight(4, [0, 1, 2]);
    assert(whole.at(victim).steps > 40);
    for (let step = 0; step < whole.at(victim).steps; step++) {
      const group = NodeGroup.started(3, fixed(0, 1, 2));
      group.at(victim).stepsLeft = step;
      group.until(() => group.at(victim).node === null, `the crash before effect ${step}`);
      const { height } = group.at(victim).controller;
      group.run(300);
      group.at(victim).start();
      group.untilHeight(Number(height) + 3, [0, 1, 2]);
    }
  }
});

Deno.test("all nodes are killed at once, again and again: they go on with the same blocks", () => {
  const group = NodeGroup.started(3, fixed(0, 1, 2));
  for (let round = 1; round <= 20; round++) {
    group.run(700 * round);
    for (const runner of group.runners) runner.crash();
    group.run(10);
    for (const runner of group.runners) runner.start();
    group.untilHeight(group.at(0).controller.blocks.length + 2, [0, 1, 2]);
  }
});

Deno.test("a block whose commit was cut off is committed after the restart, once", () => {
  const group = NodeGroup.started(1, fixed(0));
  group.untilHeight(2, [0]);
  const runner = group.at(0);
  group.until(() => runner.controller.blocks.length === 3, "a commit");
  assert.equal(runner.node?.height, 2n);
  runner.crash();
  runner.start();
  group.untilHeight(5, [0]);
  assert.equal(new Set(runner.controller.blocks).size, runner.controller.blocks.length);
});
