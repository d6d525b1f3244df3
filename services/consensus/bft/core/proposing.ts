/**
 * The leader's proposal (spec/consensus.md, section 4.5).
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { hashHex, hashProposal } from "./crypto.ts";
import type { Input } from "./interface.ts";
import type { Machine, ProposalPledge } from "./machine.ts";
import {
  encodeSignedProposal,
  MessageType,
  type Proposal,
  type ProposedHash,
  Step,
} from "./messages.ts";
import { castVote, isOwnSignature, persist } from "./own_votes.ts";
import type { At } from "./proposal_book.ts";
import { ownProposalRecord } from "./records.ts";
import { toWireVoteSet } from "./vote_set.ts";

/** Name of the pledge of a proposal, and of the request to sign it. */
export function proposalId({ height, round }: At): string {
  return `${height}/${round}/proposal`;
}

/** As leader of a fresh round, proposes the locked block, else the own one. */
export function proposeRule(m: Machine): boolean {
  if (!m.isVoting || !m.isLeader() || m.step > Step.ProposeWait || m.abstains) return false;
  const pledge = m.proposalPledges.get(proposalId(m.at)) ?? decideProposal(m);
  if (pledge === null) return false;
  const isFresh = m.roundStartedAtMs === m.nowMs;
  const { timing, round } = m;
  m.setStep(Step.PrevoteWait, isFresh ? timing.proposeMs(round) : timing.voteMs(round));
  if (pledge.body !== null) sendProposal(m, pledge.body, pledge.proposal);
  return true;
}

/** Decides what to propose in this round and has it signed; null when there is nothing yet. */
function decideProposal(m: Machine): ProposalPledge | null {
  const choice = chooseProposal(m);
  if (choice === null) return null;
  const proposal: Proposal = { ...m.at, ...choice };
  const proposalHash = hashProposal(m.crypto, proposal);
  const pledge: ProposalPledge = { proposal, proposalHash, body: null };
  m.proposalPledges.set(proposalId(m.at), pledge);
  m.emit({ kind: "sign", id: proposalId(m.at), hash: proposalHash });
  const { hash } = proposal.proposed;
  m.log("info", `New proposal proposal h: ${m.height} r: ${m.round} hash: 0x${hash}`);
  return pledge;
}

function chooseProposal(m: Machine): Pick<Proposal, "proposed" | "raw"> | null {
  const { lock } = m;
  const hash = lock?.hash ?? m.ownContent;
  const content = hash === null ? null : m.proposals.content(hash);
  if (hash === null || content === null) {
    if (lock === null) fetchProposal(m);
    return null;
  }
  return { proposed: withLock(m, hash), raw: content.raw };
}

/** A lock travels with its proof: peers locked on something older may follow then. */
function withLock({ lock }: Machine, hash: string): ProposedHash {
  if (lock === null || lock.votesBySender.length === 0) {
    return { hash, lockRound: null, lockVotes: null };
  }
  return { hash, lockRound: lock.round, lockVotes: toWireVoteSet(hash, lock.votesBySender) };
}

function fetchProposal(m: Machine): void {
  if (m.fetching !== "idle") return;
  m.fetching = "running";
  m.emit({ kind: "getProposal" });
}

/** Takes the controller's block for this height; without one it is asked again soon. */
export function onProposal(m: Machine, input: Extract<Input, { kind: "proposal" }>): void {
  const { proposal, reason } = input;
  m.fetching = "idle";
  if (proposal === null || proposal.data.length === 0) {
    m.fetchFailure = reason;
    waitForController(m);
    return;
  }
  if (proposal.height > m.workingHeight) {
    m.log("warn", `the controller is ahead: it proposes ${proposal.height}, h: ${m.height}`);
    m.askConfiguration();
  }
  if (proposal.height !== m.height) {
    m.fetchFailure = `the controller proposes height ${proposal.height}`;
    waitForController(m);
    return;
  }
  m.fetchFailure = "";
  const hash = hashHex(m.crypto, proposal.data);
  m.proposals.addContent(hash, proposal.height, proposal.data).status = "approved";
  m.ownContent ??= hash;
}

function waitForController(m: Machine): void {
  m.fetching = "waiting";
  m.retryLater("proposal", m.timing.retryMs());
}

/** Takes the signature of an own proposal: it is stored, then broadcast. */
export function onProposalSigned(m: Machine, pledge: ProposalPledge, signature: Bytes): void {
  const { proposal, proposalHash, body } = pledge;
  if (body !== null || !isCurrent(m, proposal) || !m.isVoting) return;
  if (!isOwnSignature(m, proposalHash, signature)) return;
  pledge.body = encodeSignedProposal({ proposal, signature, sender: m.own });
  persist(m, [ownProposalRecord(pledge.body)]);
  const content = m.proposals.content(proposal.proposed.hash);
  if (content !== null) content.isPersisted = true;
  sendProposal(m, pledge.body, proposal);
}

/** Broadcasts an own proposal, which is on disk, and prevotes for it. */
function sendProposal(m: Machine, body: Bytes, { proposed }: Proposal): void {
  m.emit({ kind: "broadcast", type: MessageType.Proposal, body });
  castVote(m, { ...m.at, step: Step.Prevote, hash: proposed.hash }, { target: "leader" });
}

/** Asks again for the signature of the current round's proposal. */
export function retryProposalSigning(m: Machine): void {
  const id = proposalId(m.at);
  const pledge = m.proposalPledges.get(id);
  if (pledge?.body === null) m.emit({ kind: "sign", id, hash: pledge.proposalHash });
}

function isCurrent(m: Machine, { height, round }: At): boolean {
  return height === m.height && round === m.round;
}
