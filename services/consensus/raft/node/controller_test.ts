import assert from "node:assert/strict";
import { toHex } from "../../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { configurationOf } from "../log/state.ts";
import { idOf, NodeGroup, type NodeRunner, validatorsOf } from "../testing/node_group.ts";

const THREE = new Map([[0n, validatorsOf(0, 1, 2)]]);
const FOUR = new Map([[0n, validatorsOf(0, 1, 2, 3)]]);

/** What a controller answers while it cannot take a block; null is none. */
const OUTAGES = [null, StatusCode.NodeInSyncMode, StatusCode.ProposalCheckError];

for (const outage of OUTAGES) {
  Deno.test(`a follower whose controller answers ${outage} loses no height and stalls nobody`, () => {
    const group = NodeGroup.started(3, THREE);
    group.untilHeight(2, [0, 1, 2]);
    const { controller, lines } = group.at(2);
    controller.outage = outage;
    group.untilHeight(12, [0, 1]);
    assert.equal(group.leader, group.at(0));
    assert.equal(controller.blocks.length, 2);
    assert(lines.some((line) => line.startsWith("block 3: check proposal failed: ")));
    controller.outage = undefined;
    group.untilHeight(12, [2]);
  });
}

Deno.test("a follower goes on when its controller got the blocks from others, which it takes once", () => {
  const group = NodeGroup.started(3, THREE);
  group.untilHeight(2, [0, 1, 2]);
  const { controller } = group.at(2);
  controller.outage = null;
  group.untilHeight(5, [0, 1]);
  controller.outage = undefined;
  controller.sync(group.at(0).controller);
  group.at(2).reconfigure();
  const { lines } = group.at(2);
  lines.length = 0;
  group.untilHeight(8, [2]);
  assert(!lines.includes("checking proposal.. height 5"));
  assert(lines.includes("checking proposal.. height 6"));
});

Deno.test("a follower takes no more entries than can wait for its controller, and catches up later", () => {
  const group = NodeGroup.started(3, THREE);
  group.untilHeight(2, [0, 1, 2]);
  const follower = group.at(2);
  follower.controller.outage = null;
  let waitingMax = 0n;
  group.until(() => {
    const { log, applied } = follower.node?.raft ?? assert.fail();
    if (log.lastIndex - applied > waitingMax) waitingMax = log.lastIndex - applied;
    return group.at(0).controller.height >= 150n;
  }, "block 150");
  assert.equal(waitingMax, 64n);
  follower.controller.outage = undefined;
  group.syncControllers();
  group.untilHeight(160, [0, 1, 2]);
});

/** Two followers of four, whose leader and other follower need one of them. */
function halfOf(group: NodeGroup): NodeRunner[] {
  group.untilHeight(2, [0, 1, 2, 3]);
  return group.runners.filter(({ isLeader }) => !isLeader).slice(0, 2);
}

Deno.test("followers whose controllers hang cause no elections, though nothing can be committed", () => {
  const group = NodeGroup.started(4, FOUR);
  for (const runner of halfOf(group)) runner.hangsIn = "committed";
  const term = group.leader?.node?.raft?.term;
  group.run(200_000);
  assert(group.height < 70, "no more than 64 entries wait");
  for (const { node } of group.runners) assert.equal(node?.raft?.term, term);
});

Deno.test("followers whose controllers are slow set the pace and cause no elections", () => {
  const group = NodeGroup.started(4, FOUR);
  // two answers a block
  for (const runner of halfOf(group)) runner.answerMs = 2_000;
  const term = group.leader?.node?.raft?.term;
  group.run(600_000);
  assert(group.height >= 64 + 600 / 4 - 2, `height ${group.height}`);
  for (const { node } of group.runners) assert.equal(node?.raft?.term, term);
});

Deno.test("a leader whose controller gives no block hands over after the time for it", () => {
  const group = NodeGroup.started(3, THREE);
  group.untilHeight(2, [0, 1, 2]);
  const { leader } = group;
  assert(leader !== undefined);
  leader.controller.outage = StatusCode.NodeInSyncMode;
  const startMs = group.nowMs;
  group.untilHeight(4, [1, 2]);
  assert.notEqual(group.leader, leader);
  const tookMs = group.nowMs - startMs;
  assert(tookMs > 5_000 && tookMs < 9_000, `it took ${tookMs} ms`);
  assert(leader.lines.some((line) => line.includes("hands over to 0x")));
});

for (
  const [hangsIn, timeMs] of [["proposal", 5_000], ["checked", 20_000], [
    "committed",
    20_000,
  ]] as const
) {
  Deno.test(`a leader whose controller hangs before "${hangsIn}" hands over after the time for it`, () => {
    const group = NodeGroup.started(3, THREE);
    group.untilHeight(2, [0, 1, 2]);
    const { leader } = group;
    assert(leader !== undefined);
    leader.hangsIn = hangsIn;
    const startMs = group.nowMs;
    group.until(() => group.leader !== leader, "another leader");
    const tookMs = group.nowMs - startMs;
    assert(tookMs > timeMs && tookMs < timeMs + 2_000, `it took ${tookMs} ms`);
    group.untilHeight(6, [1, 2]);
  });
}

Deno.test("a leader stays when its controller is no slower than the others", () => {
  const group = NodeGroup.started(4, FOUR);
  group.untilHeight(2, [0, 1, 2, 3]);
  const term = group.leader?.node?.raft?.term;
  // two answers a block, which is longer than the time after which a leader hands over
  for (const runner of group.runners) runner.answerMs = 4_000;
  group.run(600_000);
  assert(group.height > 40, `height ${group.height}`);
  assert.equal(group.leader?.node?.raft?.term, term);
});

Deno.test("a leader hands over to a validator that it hears", () => {
  for (const dead of [1, 2]) {
    const group = NodeGroup.started(3, THREE);
    group.untilHeight(2, [0, 1, 2]);
    group.run(500);
    group.at(dead).crash();
    group.at(0).controller.outage = StatusCode.NodeInSyncMode;
    const startMs = group.nowMs;
    group.untilHeight(5, [3 - dead]);
    assert(group.nowMs - startMs < 12_000, "a dead one was tried first");
  }
});

Deno.test("while no controller takes a block none is lost: it is the next one when they do", () => {
  const group = NodeGroup.started(3, THREE);
  group.untilHeight(2, [0, 1, 2]);
  const heldBack = () =>
    group.runners.every(({ lines }) => lines.some((line) => line.startsWith("block 3: check")));
  for (const { controller } of group.runners) {
    controller.check = () => StatusCode.ProposalCheckError;
  }
  group.until(heldBack, "a block that is refused");
  group.run(60_000);
  const raftLog = group.at(0).node?.raft?.log ?? assert.fail();
  const held = raftLog.slice(raftLog.firstIndex, raftLog.lastIndex).findLast(({ data }) =>
    data.length > 0
  );
  const why = /^no block at height 3: the own controller does not take it: check proposal failed/;
  assert(group.runners.every(({ lines }) => lines.some((line) => why.test(line))));
  for (const { controller } of group.runners) {
    controller.check = Object.getPrototypeOf(controller).check;
  }
  group.untilHeight(5, [0, 1, 2]);
  assert(held !== undefined);
  const third = group.at(0).controller.blocks[2] ?? assert.fail();
  assert(toHex(held.data).endsWith(third));
});

Deno.test("a leader learns from its controller that the chain has grown without the group", () => {
  const group = NodeGroup.started(1, new Map([[0n, validatorsOf(0)]]));
  group.untilHeight(2, [0]);
  const { controller, lines } = group.at(0);
  controller.blocks.push("f1", "f2", "f3");
  group.untilHeight(7, [0]);
  assert(
    lines.includes(
      "receive a proposal with invalid height, drop it: it is at height 5, the group at 2",
    ),
  );
});

Deno.test("a configuration of a lower height is ignored", () => {
  const group = NodeGroup.started(3, THREE);
  group.untilHeight(3, [0, 1, 2]);
  const runner = group.at(1);
  const height = runner.node?.height;
  const configuration = { height: 1n, blockInterval: 9, validators: validatorsOf(1) };
  const effects = runner.node?.step({ kind: "reconfigure", configuration }, group.nowMs);
  const text = `ignoring reconfigure request with lower height 1, ours is ${height}`;
  assert.deepEqual(effects, [{ kind: "log", level: "warn", text }]);
  assert.equal(runner.node?.height, height);
  group.untilHeight(6, [0, 1, 2]);
  assert.equal(group.leader?.node?.raft?.members.voters.has(idOf(0)), true);
});

Deno.test("before the first block validators can still be corrected", () => {
  const group = NodeGroup.started(3, THREE);
  for (const { controller } of group.runners) controller.propose = () => null;
  group.run(2_000);
  const configuration = { height: 0n, blockInterval: 1, validators: validatorsOf(0, 1) };
  for (const runner of group.runners) runner.feed({ kind: "reconfigure", configuration });
  group.run(1_000);
  for (const { node, disk } of group.runners) {
    assert.deepEqual([...node?.raft?.members.voters ?? []], [idOf(0), idOf(1)]);
    assert.deepEqual(configurationOf(disk), configuration);
  }
});

Deno.test("a node waits for its controller, and asks again, before it founds a group", () => {
  const group = new NodeGroup(1, new Map([[0n, validatorsOf(0)]]));
  group.at(0).controller.outage = null;
  group.at(0).start();
  group.run(20_000);
  assert.equal(group.at(0).node?.raft, null);
  group.at(0).controller.outage = undefined;
  group.untilHeight(1, [0]);
});

Deno.test("a node with a log goes on from it while its controller is away", () => {
  const group = NodeGroup.started(3, THREE);
  group.untilHeight(2, [0, 1, 2]);
  const runner = group.at(1);
  runner.crash();
  runner.controller.outage = null;
  runner.start();
  assert.equal(runner.node?.raft?.isVoter, true);
  group.at(2).crash();
  group.untilHeight(6, [0]);
  runner.controller.outage = undefined;
  group.untilHeight(8, [0, 1]);
});
