import assert from "node:assert/strict";
import { MessageType } from "../core/messages.ts";
import { NodeGroup, type NodeRunner, validatorsOf } from "../testing/node_group.ts";

const [NAME_0, NAME_1, NAME_2] = ["01", "02", "03"].map((byte) => `0x${byte.repeat(20)}`);

/** A group whose leader does not hand over meanwhile. */
function started(): NodeGroup {
  const plan = new Map([[0n, validatorsOf(0, 1, 2)]]);
  const group = NodeGroup.started(3, plan, { transferMs: 60_000 });
  group.untilHeight(2, [0, 1, 2]);
  group.run(500);
  return group;
}

/** Waits for the words of a node about its chain that stands still. */
function explanationOf(group: NodeGroup, { lines }: NodeRunner): string {
  lines.length = 0;
  const start = "no block at height 3: ";
  const find = () => lines.findLast((line) => line.startsWith(start));
  group.until(() => find() !== undefined, "an explanation");
  return find()?.slice(start.length) ?? "";
}

Deno.test("validators without a leader name those whose votes they miss", () => {
  const group = started();
  group.at(0).crash();
  group.at(1).crash();
  assert.equal(
    explanationOf(group, group.at(2)),
    `nobody leads, and no vote for this node came from: ${NAME_0}, ${NAME_1}`,
  );
});

Deno.test("a leader names those who do not store its block, its followers name the leader", () => {
  const group = started();
  group.accepts = ({ msgType }) => msgType !== MessageType.APPEND;
  assert.equal(
    explanationOf(group, group.at(0)),
    `this node leads, entry 9 is not stored by: ${NAME_1}, ${NAME_2}`,
  );
  assert.equal(explanationOf(group, group.at(1)), `${NAME_0} leads and sends none`);
});

Deno.test("a leader tells why its controller gave no proposal", () => {
  const group = started();
  for (const { controller } of group.runners) controller.outage = 139;
  const { leader } = group;
  assert(leader !== undefined);
  assert.equal(
    explanationOf(group, leader),
    "this node leads and its controller gave no proposal: NoCandidate",
  );
});

Deno.test("a node tells that its controller does not answer about a block", () => {
  const group = started();
  const follower = group.at(2);
  follower.controller.outage = null;
  assert.equal(
    explanationOf(group, follower),
    "the own controller does not take it: check proposal failed: it does not answer",
  );
});

Deno.test("a node that does not know yet what the chain is says again and again what it waits for", () => {
  const group = new NodeGroup(1, new Map([[0n, validatorsOf(0)]]));
  const { controller, lines } = group.at(0);
  controller.outage = null;
  group.at(0).start();
  group.run(35_000);
  const line = "no block at height ?: the own controller does not tell the configuration";
  assert.equal(lines.filter((text) => text === line).length, 3);
});

Deno.test("who is no validator does not complain", () => {
  const group = NodeGroup.started(2, new Map([[0n, validatorsOf(0)]]));
  group.untilHeight(2, [0]);
  group.at(0).crash();
  group.run(60_000);
  assert(!group.at(1).lines.some((line) => line.startsWith("no block")));
  assert.equal(group.at(1).node?.raft, null);
});
