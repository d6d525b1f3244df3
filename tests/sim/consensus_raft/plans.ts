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

/** How often the members of a group change, and how many others wait to be one. */
const CHANGES = 10;
const SPARES = 3;

/** A group of so many nodes; in every other seed its members come and go. */
export function groupPlan(size: number, seed: number): RaftPlan {
  const founders = range(size);
  if (seed % 2 === 0) return { founders, changes: [] };
  const random = seededRandom(seed);
  const changes: number[][] = [];
  for (let voters = founders; changes.length < CHANGES;) {
    const pool = shuffled(range(size + SPARES), random);
    // half of the changes replace as many as possible, which needs a joint configuration
    if (random() < 0.5) pool.sort((left, right) => rank(voters, left) - rank(voters, right));
    voters = pool.slice(0, size - 1 + Math.floor(3 * random()));
    changes.push(voters);
  }
  return { founders, changes };
}

/** Those who are no voters come first. */
function rank(voters: readonly number[], node: number): number {
  return voters.includes(node) ? 1 : 0;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function shuffled(numbers: readonly number[], random: () => number): number[] {
  return numbers.map((number) => ({ number, place: random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ number }) => number);
}
