/**
 * What a follower does with the proposals of leaders (spec/consensus.md, section 4.5).
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { answerBehind } from "./answers.ts";
import type { HashHex } from "./bincode.ts";
import { hashHex, hashProposal, signerOfHash } from "./crypto.ts";
import { accuse } from "./evidence.ts";
import type { Input } from "./interface.ts";
import type { Machine } from "./machine.ts";
import {
  decodeSignedProposal,
  type Proposal,
  type SignedProposal,
  Step,
  ZERO_HASH,
} from "./messages.ts";
import { castVote, resendVotes } from "./own_votes.ts";
import { type Content, type RecordedProposal, ROUNDS_AHEAD_MAX } from "./proposal_book.ts";
import { verifyLockProof } from "./proof.ts";
import { hurryToNextHeight } from "./rounds.ts";
import { leaderOf } from "./validators.ts";

/** Takes a `proposal` message. */
export function receiveProposal(m: Machine, origin: bigint, body: Bytes): void {
  const signed = decodeSignedProposal(body);
  if (signed === null) return m.log("debug", "drop an undecodable proposal");
  const { proposal, signature } = signed;
  if (!isProposalTimely(m, proposal)) return;
  const leader = leaderOf(m.validators, proposal);
  if (leader === null || leader === m.own) return;
  const { height, round, proposed: { hash } } = proposal;
  const signer = signerOfHash(m.crypto, { hash: hashProposal(m.crypto, proposal), signature });
  if (signer !== leader) {
    return m.log("warn", `drop a proposal h: ${height} r: ${round} not of its leader 0x${leader}`);
  }
  const isDone = m.decisionOf(height) !== null && m.proposals.content(hash) !== null;
  if (height < m.height || isDone) {
    return answerBehind(m, { height, voter: leader, origin });
  }
  const known = m.proposals.at(proposal);
  if (known === null) return recordProposal(m, signed, origin);
  if (known.hash === hash) return meetLeaderAgain(m, proposal, { ...known, origin });
  m.log("warn", `drop a second proposal h: ${height} r: ${round} of 0x${leader}`);
  if (known.signature === null) return;
  const offence = { offender: leader, height, round, step: Step.Propose };
  accuse(m, offence, [{ hash: known.hash, signature: known.signature }, { hash, signature }]);
}

/** Whether a proposal can still matter, judged before its signature, which costs. */
function isProposalTimely(m: Machine, { height, round, proposed }: Proposal): boolean {
  if (height > m.height + BigInt(m.validators.length)) return false;
  if (height < m.height) return m.decisionOf(height) !== null;
  if (height > m.height) return round < ROUNDS_AHEAD_MAX;
  if (m.certificate !== null) return m.certificate.hash === proposed.hash;
  return round >= m.round && round < m.round + ROUNDS_AHEAD_MAX;
}

/** The leader may have restarted and lost the votes that it was sent. */
function meetLeaderAgain(m: Machine, { height, round }: Proposal, known: RecordedProposal): void {
  m.proposals.record({ height, round }, known);
  if (height === m.height && round === m.round) resendVotes(m);
}

function recordProposal(
  m: Machine,
  { proposal, signature }: Pick<SignedProposal, "proposal" | "signature">,
  origin: bigint,
): void {
  const { height, round, proposed, raw } = proposal;
  const { hash } = proposed;
  if (raw.length === 0 || hashHex(m.crypto, raw) !== hash) {
    return m.log("warn", `drop a proposal h: ${height} r: ${round} whose data does not fit`);
  }
  const { validators, crypto } = m;
  const isProven = verifyLockProof(proposal, { validators, crypto });
  if (isProven === null) {
    return m.log("warn", `drop a proposal h: ${height} r: ${round} with an invalid lock`);
  }
  m.log("info", `handle_proposal h: ${height}, r: ${round}, hash: 0x${hash}`);
  // what is further ahead, if not as far as to be dropped, only tells the controller to synchronise
  if (height > m.workingHeight + 1n) return hintController(m, { height, round, hash, raw });
  const provenRound = isProven ? proposed.lockRound : null;
  m.proposals.record({ height, round }, { hash, provenRound, origin, signature });
  const isNext = height === m.height + 1n && round === 0n;
  if (isNext && m.step === Step.CommitWait) hurryToNextHeight(m);
  const content = m.proposals.addContent(hash, height, raw);
  if (content.status === "unknown") askController(m, { height, round }, hash);
}

function hintController(
  m: Machine,
  { height, round, hash, raw }: {
    readonly height: bigint;
    readonly round: bigint;
    readonly hash: HashHex;
    readonly raw: Bytes;
  },
): void {
  if (height <= m.hintedHeight) return;
  m.hintedHeight = height;
  m.emit({ kind: "checkProposal", height, round, hash, data: raw });
}

/** Has the controller check data that is not approved yet. */
function askController(
  m: Machine,
  { height, round }: { readonly height: bigint; readonly round: bigint },
  hash: HashHex,
): void {
  const content = m.proposals.content(hash);
  if (content === null || content.status !== "unknown") return;
  content.status = "checking";
  m.emit({ kind: "checkProposal", height, round, hash, data: content.raw });
}

// Answers that tell about the controller's state, not about the proposal: it is asked again.
const PASSING_CODES: ReadonlySet<number> = new Set([
  StatusCode.NoneStatusCode,
  StatusCode.NoBlock,
  StatusCode.NoProof,
  StatusCode.ProposalTooHigh,
  StatusCode.ProposalTooLow,
  StatusCode.NodeInSyncMode,
  StatusCode.ConsensusServerNotReady,
  StatusCode.KmsServerNotReady,
  StatusCode.NetworkServerNotReady,
  StatusCode.ExecuteServerNotReady,
  StatusCode.StorageServerNotReady,
  StatusCode.StoreError,
  StatusCode.LoadError,
]);

/** Takes the controller's answer; only a real refusal is remembered (section 4.5, FIX). */
export function onChecked(m: Machine, { hash, code }: Extract<Input, { kind: "checked" }>): void {
  const content = m.proposals.content(hash);
  if (content === null || content.status !== "checking") return;
  if (code === StatusCode.Success) {
    content.status = "approved";
  } else if (code !== null && !PASSING_CODES.has(code)) {
    content.status = "rejected";
  } else {
    content.status = "waiting";
    m.retryLater("check", m.timing.retryMs());
    const isBehind = code === StatusCode.ProposalTooLow && content.height === m.height;
    if (isBehind && m.certificate === null) m.askConfiguration();
  }
}

/** As follower in a fresh round, prevotes as soon as it is clear for what. */
export function prevoteRule(m: Machine): boolean {
  if (!m.isVoting || m.isLeader() || m.step > Step.ProposeWait || m.abstains) return false;
  const proposal = m.proposals.at(m.at);
  const hash = proposal === null ? null : choosePrevote(m, proposal);
  if (hash === null) return false;
  m.setStep(Step.PrevoteWait, m.timing.voteMs(m.round));
  castVote(m, { ...m.at, step: Step.Prevote, hash }, { target: "leader" });
  return true;
}

/**
 * What to prevote for, null while that is open. A lock yields only to a quorum of prevotes of a
 * later round; anything else could undo a decision (section 4.5, FIX).
 */
function choosePrevote(m: Machine, { hash, provenRound }: RecordedProposal): HashHex | null {
  const { lock } = m;
  if (lock !== null && lock.hash !== hash) {
    if (provenRound === null || provenRound <= lock.round) return lock.hash;
  }
  const content = m.proposals.content(hash);
  if (content === null) return null;
  if (content.status === "rejected") return lock?.hash ?? ZERO_HASH;
  if (!isApproved(m, hash, content)) return null;
  if (lock !== null && lock.hash !== hash) m.lock = null;
  return hash;
}

/** Whether the controller approved some data; asks it when it has not been asked. */
export function isApproved(m: Machine, hash: HashHex, content: Content): boolean {
  askController(m, m.at, hash);
  return content.status === "approved";
}
