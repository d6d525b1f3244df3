import assert from "node:assert/strict";
import { NodeGroup, validatorsOf } from "../testing/node_group.ts";

/** The chain's validators never change. */
const fixed = (...numbers: number[]) => new Map([[0n, validatorsOf(...numbers)]]);

Deno.test("a node of a chain of its own makes a block per interval", () => {
  const group = NodeGroup.started(1, fixed(0));
  group.run(10_500);
  assert.equal(group.at(0).controller.blocks.length, 11);
});

Deno.test("validators of a new chain found a group, the first of them leads, blocks are the same", () => {
  const group = NodeGroup.started(4, fixed(2, 0, 1, 3));
  group.untilHeight(5, [0, 1, 2, 3]);
  assert.equal(group.leader, group.at(2));
  assert.equal(group.leader?.node?.raft?.term, 6n);
});
