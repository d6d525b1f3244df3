/**
 * Majorities, also of a joint configuration: there both halves must agree.
 *
 * @module
 */

/** Outcome of an election so far. */
type VoteResult = "won" | "lost" | "pending";

/** The voters of a configuration; those being left are none unless it is joint. */
interface VoterHalves {
  readonly voters: ReadonlySet<bigint>;
  readonly votersOutgoing: ReadonlySet<bigint>;
}

/** Whether those of a set for whom a condition holds are a majority of each half. */
export function isQuorum(halves: VoterHalves, holds: (id: bigint) => boolean): boolean {
  return isMajority(halves.voters, holds) && isMajority(halves.votersOutgoing, holds);
}

/** The highest index that a majority of each half has. */
export function quorumIndex(halves: VoterHalves, matched: (id: bigint) => bigint): bigint {
  const incoming = majorityIndex(halves.voters, matched);
  if (halves.votersOutgoing.size === 0) return incoming;
  const outgoing = majorityIndex(halves.votersOutgoing, matched);
  return incoming < outgoing ? incoming : outgoing;
}

/** Counts votes: lost once the votes that are missing cannot make up for those against. */
export function voteResult(halves: VoterHalves, votes: ReadonlyMap<bigint, boolean>): VoteResult {
  if (isQuorum(halves, (id) => votes.get(id) === true)) return "won";
  return isQuorum(halves, (id) => votes.get(id) !== false) ? "pending" : "lost";
}

/** An empty half has nothing to say. */
function isMajority(voters: ReadonlySet<bigint>, holds: (id: bigint) => boolean): boolean {
  if (voters.size === 0) return true;
  let count = 0;
  for (const id of voters) if (holds(id)) count++;
  return 2 * count > voters.size;
}

function majorityIndex(voters: ReadonlySet<bigint>, matched: (id: bigint) => bigint): bigint {
  const ascending = [...voters].map(matched).sort((left, right) => left < right ? -1 : 1);
  return ascending[Math.floor((voters.size - 1) / 2)] ?? 0n;
}
