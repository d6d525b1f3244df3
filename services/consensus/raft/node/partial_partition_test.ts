import assert from "node:assert/strict";
import { seededRandom } from "../../../../shared/clock/mod.ts";
import { idOf, NodeGroup, nodeOptions, validatorsOf } from "../testing/node_group.ts";

/** Whether messages get from one node to another. */
type Link = (from: number, to: number) => boolean;

/** A leader, the node 0, that keeps some of its links; all others reach each other. */
interface Topology {
  readonly count: number;
  readonly link: Link;
}

const TOPOLOGIES: Readonly<Record<string, Topology>> = {
  "reaches one follower of three only": { count: 4, link: (from, to) => from + to === 1 },
  "is heard by one follower of two and hears none": {
    count: 3,
    link: (from, to) => from === 0 && to === 1,
  },
  "is heard by all and hears none": { count: 3, link: (from) => from === 0 },
};

/**
 * A group with blocks whose leader loses links. Some nodes, the leader first, are as those of the
 * reference, which neither ask before an election nor look whether a majority reaches them.
 */
function partitioned({ count, link }: Topology, references: number): NodeGroup {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const group = new NodeGroup(count, new Map([[0n, validatorsOf(...numbers)]]));
  for (let number = 0; number < references; number++) {
    const { raft, ...options } = nodeOptions(number, seededRandom(number));
    group.at(number).options = { ...options, raft: { ...raft, asksBeforeElection: false } };
  }
  for (const runner of group.runners) runner.start();
  group.untilHeight(3, numbers);
  assert(group.at(0).isLeader);
  group.accepts = ({ from, to }) => {
    const [source, target] = [from, to].map((id) => numbers.find((n) => idOf(n) === id) ?? 0);
    return source !== 0 && target !== 0 || link(source ?? 0, target ?? 0);
  };
  return group;
}

for (const references of [0, 1, 2]) {
  for (const [what, topology] of Object.entries(TOPOLOGIES)) {
    const group = references === 0 ? "" : `, ${references} of the group being of the reference`;
    Deno.test(`a majority that hears each other goes on when the leader ${what}${group}`, () => {
      const group = partitioned(topology, references);
      const height = group.height + 3;
      const others = group.runners.slice(1).map(({ number }) => number);
      const startMs = group.nowMs;
      group.untilHeight(height, others);
      const tookMs = group.nowMs - startMs;
      assert(tookMs < 15_000, `it took ${tookMs} ms`);
    });
  }
}

Deno.test("a leader that no majority answers steps down by itself, whatever check_quorum says", () => {
  const group = partitioned({ count: 3, link: () => false }, 0);
  const { electionTicks, checksQuorum } = group.at(0).options.raft;
  assert(!checksQuorum);
  group.run(2 * electionTicks * group.at(0).options.tickMs);
  assert(!group.at(0).isLeader);
});

Deno.test("a follower that hears a leader which commits nothing stays with it while nothing waits", () => {
  const group = NodeGroup.started(3, new Map([[0n, validatorsOf(0, 1, 2)]]));
  group.untilHeight(3, [0, 1, 2]);
  const term = group.leader?.node?.raft?.term;
  for (const { controller } of group.runners) controller.outage = null;
  for (const runner of group.runners) runner.options = { ...runner.options, transferMs: 600_000 };
  group.run(4_000);
  assert.equal(group.leader?.node?.raft?.term, term);
});
