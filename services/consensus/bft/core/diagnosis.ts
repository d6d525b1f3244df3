import type { Machine } from "./machine.ts";
import { Step } from "./messages.ts";
import { proposalId } from "./proposing.ts";
import { leaderOf, quorumSize } from "./validators.ts";
import type { VoteSet } from "./vote_set.ts";

/** Why the current round has brought no block so far, for whoever reads the log. */
export function explainRound(m: Machine): string {
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
  const step = m.polka === null ? Step.Prevote : Step.Precommit;
  const name = m.polka === null ? "prevotes" : "precommits";
  return `this node leads and has ${explainVotes(m, m.votes.of(m.at, step), name)}`;
}

function explainVotes(m: Machine, set: VoteSet, name: string): string {
  const missing = m.validators.filter((address) => !set.senders.includes(address));
  const wanted = quorumSize(m.validators.length);
  const from = missing.map((address) => `0x${address}`).join(", ");
  return `${set.bestBlock()?.count ?? 0} ${name} for one block, needs ${wanted}, none of: ${from}`;
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
