import type { RaftPlan } from "./raft_net.ts";

/** Groups to simulate, by what happens to their members. */
export const PLANS: Readonly<Record<string, RaftPlan>> = {
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

/** The plan of a seed, for runs over many. */
export function planOf(seed: number): RaftPlan {
  const plans = Object.values(PLANS);
  const plan = plans[seed % plans.length];
  if (plan === undefined) throw new Error("There is no plan");
  return plan;
}
