import assert from "node:assert/strict";
import { toHex } from "../../../../shared/bytes/mod.ts";
import { blankState } from "../core/interface.ts";
import { messageOf, MessageType } from "../core/messages.ts";
import { addressOf, idOf, NodeGroup, validatorsOf } from "../testing/node_group.ts";

/** The validators that a block names. */
type Step = readonly [height: bigint, numbers: readonly number[]];

/** A chain whose validators change with the block of a height. */
function changing(...steps: readonly Step[]) {
  return new Map(steps.map(([height, numbers]) => [height, validatorsOf(...numbers)]));
}

/** Nodes that are no validators are there too, and get the blocks. */
function started(count: number, ...steps: readonly Step[]): NodeGroup {
  const group = NodeGroup.started(count, changing(...steps));
  group.syncControllers();
  return group;
}

function votersOf(group: NodeGroup, number: number): bigint[] {
  const members = group.at(number).node?.raft?.members;
  assert.equal(members?.votersOutgoing.size, 0);
  return [...members?.voters ?? []];
}

Deno.test("validators grow from 1 to 4: those who join found no group of their own", () => {
  const group = started(4, [0n, [0]], [3n, [0, 1, 2, 3]]);
  group.untilHeight(8, [0, 1, 2, 3]);
  for (const { number } of group.runners) {
    assert.deepEqual(votersOf(group, number).sort(), [0, 1, 2, 3].map(idOf).sort());
  }
  group.at(0).crash();
  group.untilHeight(12, [1, 2, 3]);
});

Deno.test("validators shrink from 4 to 1, the leader is among those who go: it hands over first", () => {
  const group = started(4, [0n, [0, 1, 2, 3]], [3n, [2]]);
  group.untilHeight(8, [2]);
  assert.deepEqual(votersOf(group, 2), [idOf(2)]);
  const [first] = group.runners;
  assert(first?.lines.some((line) => line.startsWith("this leader hands over to 0x0303")));
  assert(!first?.lines.some((line) => line.startsWith("the members change")));
  for (const number of [0, 1, 3]) group.at(number).crash();
  group.untilHeight(12, [2]);
});

Deno.test("all validators are replaced: first those who come, then the others go", () => {
  const group = started(6, [0n, [0, 1, 2]], [3n, [3, 4, 5]]);
  group.untilHeight(8, [3, 4, 5]);
  for (const number of [3, 4, 5]) {
    assert.deepEqual(votersOf(group, number).sort(), [3, 4, 5].map(idOf).sort());
  }
  const changes = group.runners.flatMap(({ lines }) =>
    lines.filter((line) => line.startsWith("the members change"))
  );
  assert.equal(changes.length, 2);
  assert(!changes[0]?.includes("-0x"));
  assert(!changes[1]?.includes("+0x"));
});

Deno.test("members change while nodes are killed one after the other: the chain ends with those wanted", () => {
  const steps: Step[] = [[0n, [0, 1, 2]], [3n, [0, 1, 2, 3]], [6n, [1, 2, 3]], [9n, [1, 3, 4]]];
  for (let pauseMs = 300; pauseMs < 2_500; pauseMs += 200) {
    const group = started(5, ...steps);
    for (let kill = 0; kill < 12; kill++) {
      group.run(pauseMs);
      const runner = group.at(kill % 5);
      runner.crash();
      group.run(pauseMs);
      runner.start();
    }
    group.untilHeight(14, [1, 3, 4]);
    group.run(3_000);
    assert.deepEqual(votersOf(group, 3).sort(), [1, 3, 4].map(idOf).sort());
  }
});

Deno.test("a leader is killed before every effect of a change of the members: all end with the same", () => {
  const steps: Step[] = [[0n, [0]], [2n, [0, 1]]];
  const whole = started(2, ...steps);
  whole.untilHeight(4, [0, 1]);
  for (let step = 0; step < whole.at(0).steps; step++) {
    const group = started(2, ...steps);
    group.at(0).stepsLeft = step;
    group.until(() => group.at(0).node === null, `the crash before effect ${step}`);
    group.at(0).start();
    group.untilHeight(6, [0, 1]);
    for (const number of [0, 1]) assert.deepEqual(votersOf(group, number), [0, 1].map(idOf));
  }
});

Deno.test("a validator that lost its log gets it from the others, by a snapshot", () => {
  const group = started(3, [0n, [0, 1, 2]]);
  group.untilHeight(50, [0, 1, 2]);
  const runner = group.at(2);
  runner.crash();
  runner.disk = blankState();
  let snapshots = 0;
  group.accepts = ({ msgType }) => {
    if (msgType === MessageType.SNAPSHOT) snapshots++;
    return true;
  };
  runner.start();
  group.untilHeight(55, [2]);
  assert.equal(snapshots, 1);
  group.at(1).crash();
  group.untilHeight(60, [0, 2]);
});

Deno.test("a group whose logs were all removed waits, says why, and is founded again on demand", () => {
  const plan = changing([0n, [0, 1, 2]]);
  const old = NodeGroup.started(3, plan);
  old.untilHeight(5, [0, 1, 2]);
  for (const refoundsGroup of [false, true]) {
    const group = new NodeGroup(3, plan, { refoundsGroup });
    for (const { controller, number } of group.runners) {
      controller.sync(old.at(0).controller);
      group.at(number).start();
    }
    group.run(30_000);
    const { controller, lines } = group.at(0);
    assert.equal(controller.blocks.length > 6, refoundsGroup);
    if (refoundsGroup) continue;
    assert(
      lines.includes("no block at height 6: this node has no log and waits for the one that leads"),
    );
  }
});

Deno.test("a snapshot whose configuration is malformed is dropped", () => {
  const group = started(1, [0n, [1]], [1n, [0, 1]]);
  const runner = group.at(0);
  runner.controller.blocks.push("b1");
  runner.reconfigure();
  const { raft } = runner.node ?? assert.fail();
  const snapshot = {
    data: Uint8Array.of(0xff),
    metadata: { index: 9n, term: 7n, confState: runner.disk.confState },
  };
  const msgType = MessageType.SNAPSHOT;
  group.send(messageOf({ msgType, to: idOf(0), from: idOf(1), term: 7n, snapshot }));
  group.run(100);
  assert.equal(raft?.applied, 0n);
  const name = `0x${toHex(addressOf(1))}`;
  assert(runner.lines.includes(`drop a snapshot of ${name}: its configuration is malformed`));
});

Deno.test("a node cut off comes back without an election, and a majority goes on without it", () => {
  const group = started(3, [0n, [0, 1, 2]]);
  group.untilHeight(2, [0, 1, 2]);
  const term = group.leader?.node?.raft?.term;
  group.accepts = ({ from, to }) => from !== idOf(2) && to !== idOf(2);
  group.untilHeight(40, [0, 1]);
  group.accepts = () => true;
  group.untilHeight(45, [0, 1, 2]);
  assert.equal(group.leader?.node?.raft?.term, term);
});

Deno.test("a leader that has a snapshot but not its blocks proposes none of its own in their place", () => {
  const group = NodeGroup.started(3, changing([0n, [0, 1, 2]]));
  group.untilHeight(3, [0, 1, 2]);
  const runner = group.at(2);
  runner.crash();
  group.untilHeight(50, [0, 1]);
  runner.start();
  group.until(() => (runner.node?.height ?? 0n) >= 50n, "a snapshot");
  const { blocks } = runner.controller;
  assert.equal(blocks.length, 3);
  group.accepts = ({ from, msgType }) =>
    from !== idOf(1) || msgType !== MessageType.REQUEST_PRE_VOTE;
  group.at(0).crash();
  group.until(() => runner.isLeader, "another leader");
  group.untilHeight(60, [1]);
  assert(runner.lines.some((line) => line.includes("invalid height, drop it: it is at height 3")));
  assert.equal(blocks.length, 3);
  group.syncControllers();
  group.untilHeight(65, [1, 2]);
});
