import type { AddressHex } from "./bincode.ts";
import type { Machine } from "./machine.ts";
import { Step, stepName, ZERO_HASH } from "./messages.ts";
import { proposalId } from "./proposing.ts";
import { leaderOf, quorumSize } from "./validators.ts";
import type { CollectedStep } from "./vote_book.ts";

/** Says in the log that the current round ends without a block, and why. */
export function tellFailedRound(m: Machine, reason = explainRound(m)): void {
  const { height, round, step } = m;
  m.log(
    "warn",
    `no block at height ${height}: round ${round} ends at ${stepName(step)}: ${reason}`,
  );
}

/** Why a round ends that its leader has given up, and what this node has to do with it. */
export function explainGivenUp(m: Machine): string {
  const givenUp = `0x${leaderOf(m.validators, m.at)}, which leads, gave it up`;
  const ownReason = explainProposal(m);
  return ownReason === null ? givenUp : `${givenUp}; ${ownReason}`;
}

/** Why the current round has brought no block so far, for whoever reads the log. */
function explainRound(m: Machine): string {
  if (m.abstains) return "the log of own votes is damaged, this node waits for the others";
  if (isUnsigned(m)) return "the kms has not signed an own vote";
  const leader = leaderOf(m.validators, m.at);
  if (m.isLeader()) return explainLeader(m);
  if (m.polka !== null) return explainPrecommit(m) ?? `0x${leader} shows no quorum of precommits`;
  return explainProposal(m) ?? `0x${leader}, which leads, shows no quorum of prevotes`;
}

function isUnsigned(m: Machine): boolean {
  if (m.proposalPledges.get(proposalId(m.at))?.body === null) return true;
  return [...m.pledges.values()].some(({ vote, signature }) =>
    vote.round === m.round && vote.step !== Step.NewView && signature === null
  );
}

function explainLeader(m: Machine): string {
  if (m.step <= Step.ProposeWait) {
    const failure = m.fetchFailure === "" ? "it does not answer" : m.fetchFailure;
    return `this node leads and its controller gave no proposal: ${failure}`;
  }
  const votes = m.polka === null
    ? explainVotes(m, Step.Prevote, "prevotes")
    : explainVotes(m, Step.Precommit, "precommits");
  return `this node leads and ${votes}`;
}

/** Who voted for what, nil last: those are the ones whose controllers refuse the block. */
function explainVotes(m: Machine, step: CollectedStep, name: string): string {
  const set = m.votes.of(m.at, step);
  const voters = [...set.hashes].sort().reverse().map((hash) => {
    const what = hash === ZERO_HASH ? "nil" : `for 0x${hash}`;
    return `${what}: ${listOf(set.entriesFor(hash).map(([address]) => address))}`;
  });
  const missing = m.validators.filter((address) => !set.senders.includes(address));
  if (missing.length > 0) voters.push(`none of: ${listOf(missing)}`);
  const wanted = quorumSize(m.validators.length);
  return [`needs ${wanted} ${name} for one block`, ...voters].join("; ");
}

function listOf(addresses: readonly AddressHex[]): string {
  return addresses.map((address) => `0x${address}`).join(", ");
}

function explainProposal(m: Machine): string | null {
  const proposal = m.proposals.at(m.at);
  if (proposal === null) return `no proposal came from 0x${leaderOf(m.validators, m.at)}`;
  return explainContent(m, proposal.hash);
}

function explainPrecommit(m: Machine): string | null {
  return m.polka === null ? null : explainContent(m, m.polka.hash);
}

function explainContent(m: Machine, hash: string): string | null {
  switch (m.proposals.content(hash)?.status) {
    case undefined:
      return `the data of 0x${hash} never came`;
    case "unknown":
    case "checking":
      return `the own controller does not answer whether 0x${hash} is valid`;
    case "waiting":
      return `the own controller cannot check 0x${hash} now`;
    case "rejected":
      return `the own controller refuses 0x${hash}`;
    case "approved":
      return null;
  }
}
