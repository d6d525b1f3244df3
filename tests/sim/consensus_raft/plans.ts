import { seededRandom } from "../../../shared/clock/mod.ts";

/** A group to simulate: who founds it, and who are the voters after each change. */
export interface RaftPlan {
  readonly founders: readonly number[];
  readonly changes: readonly (readonly number[])[];
}

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

/** How often the members of a group change, and how many others wait to be one. */
const CHANGES = 6;
const SPARES = 3;

/** A group of so many nodes; in every other seed its members come and go. */
export function groupPlan(size: number, seed: number): RaftPlan {
  const founders = range(size);
  if (seed % 2 === 0) return { founders, changes: [] };
  const random = seededRandom(seed);
  const changes = range(CHANGES).map(() => {
    // one more or one less at times: changes of one voter need no joint configuration
    const count = size - 1 + Math.floor(3 * random());
    return shuffled(range(size + SPARES), random).slice(0, count).sort();
  });
  return { founders, changes };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function shuffled(numbers: readonly number[], random: () => number): number[] {
  return numbers.map((number) => ({ number, place: random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ number }) => number);
}
