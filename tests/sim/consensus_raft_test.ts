import { RaftNet, type RaftPlan } from "./consensus_raft/raft_net.ts";

const FIRST_SEED = Number(Deno.env.get("SEED") ?? 1);
const SEED_COUNT = Number(Deno.env.get("SEEDS") ?? 40);

const PLANS: Readonly<Record<string, RaftPlan>> = {
  "one node": { founders: [0], changes: [] },
  "3 nodes": { founders: [0, 1, 2], changes: [] },
  "5 nodes": { founders: [0, 1, 2, 3, 4], changes: [] },
  "growth from 1 node to 4": { founders: [0], changes: [[0, 1, 2, 3]] },
  "shrinking from 4 nodes to 1": { founders: [0, 1, 2, 3], changes: [[3]] },
  "3 nodes that are all replaced": { founders: [0, 1, 2], changes: [[3, 4, 5]] },
  "members that come and go": {
    founders: [0, 1, 2],
    changes: [[0, 1, 2, 3], [1, 2, 3], [1, 4, 5], [0, 1, 2, 4, 5]],
  },
};

for (const [name, plan] of Object.entries(PLANS)) {
  Deno.test(`raft is safe in chaos and recovers: ${name}, ${SEED_COUNT} seeds (S13)`, () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEED_COUNT; seed++) {
      const net = new RaftNet(seed, plan);
      try {
        net.run();
      } catch (cause) {
        throw new Error(`SEED=${seed} SEEDS=1 fails\n${net.report()}`, { cause });
      }
    }
  });
}
