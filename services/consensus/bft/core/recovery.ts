/**
 * Going on where the log ends (spec/consensus.md, section 6.3).
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashHex } from "./bincode.ts";
import { hashHex, hashProposal, hashVote, signerOfHash } from "./crypto.ts";
import { RecordType, type WalRecord } from "./interface.ts";
import type { Decision, Lock, Machine } from "./machine.ts";
import {
  decodeLeaderVote,
  decodeProposal,
  encodeSignedProposal,
  MessageType,
  type Proposal,
  type SignedProposal,
  type SignedVote,
  Step,
} from "./messages.ts";
import { isForBlock, pledgeAt, pledgeId, resendVotes } from "./own_votes.ts";
import { type Certificate, verifyLeaderVote } from "./proof.ts";
import { proposalId } from "./proposing.ts";
import { readOwnProposal, readOwnVote } from "./records.ts";
import { enterHeight, enterRound } from "./rounds.ts";
import { signersAt } from "./validators.ts";

/** What the log of a height says beside own votes and proposals. */
interface Recovered {
  readonly polkas: Map<bigint, Certificate>;
  /** The proof that was stored last is the one that may have been published last. */
  certificate: Certificate | null;
  isDamaged: boolean;
}

/**
 * Starts the height that the controller is to decide next, with the votes that were given before
 * the restart: they bind, the block that was precommitted is locked, nothing is assumed beyond.
 */
export function resume(m: Machine, height: bigint): void {
  const loggedHeight = m.start?.height ?? null;
  if (loggedHeight !== null && loggedHeight > height) {
    m.log("warn", `the chain was rolled back to ${height - 1n}: forget what was voted above`);
    m.emit({ kind: "eraseLog" });
    m.start = null;
  }
  const content = m.walContentOf(height);
  m.lastDecision = recallDecision(m, height - 1n);
  m.start = null;
  enterHeight(m, height);
  if (content === null) return;
  const recovered: Recovered = {
    polkas: new Map(),
    certificate: null,
    isDamaged: content.isDamaged,
  };
  for (const record of content.records) {
    if (!replay(m, record, recovered)) recovered.isDamaged = true;
  }
  m.log("info", `load_wal_log ends: ${content.records.length} records of height ${height}`);
  if (recovered.isDamaged) abstain(m);
  takeUp(m, recovered);
}

/** The proof of a height as it was published last: who missed it gets the same one (section 5.1). */
function recallDecision(m: Machine, height: bigint): Decision | null {
  const { authorities, crypto } = m;
  const rules = { validators: signersAt(authorities, height), crypto, step: Step.Precommit };
  for (const { type, body } of m.walContentOf(height)?.records.toReversed() ?? []) {
    const leaderVote = type === RecordType.QuorumVotes ? decodeLeaderVote(body) : null;
    if (leaderVote?.height !== height) continue;
    const certificate = verifyLeaderVote(leaderVote, rules);
    if (certificate !== null) return certificate;
  }
  return null;
}

/** Own votes may have been lost: giving others could contradict them. */
function abstain(m: Machine): void {
  if (m.validators.length <= 1) return;
  m.abstains = true;
  m.log(
    "error",
    `the log of height ${m.height} is damaged: this node gives no vote until the others have ` +
      "decided it. If no validator has an intact log, stop all, delete the logs, start all",
  );
}

function takeUp(m: Machine, { polkas, certificate }: Recovered): void {
  m.lock = lockOf(m, polkas);
  const rounds = [
    ...[...m.pledges.values()].map(({ vote }) => vote.round),
    ...[...m.proposalPledges.values()].map(({ proposal }) => proposal.round),
    ...polkas.keys(),
  ];
  const round = rounds.reduce((highest, other) => other > highest ? other : highest, 0n);
  if (round > 0n) enterRound(m, round);
  m.polka = polkas.get(round) ?? null;
  if (certificate !== null) {
    m.certificate = certificate;
    m.isRecovered = true;
    return;
  }
  takeUpStep(m);
}

/** Sends again what was given in the round: it may have been lost, and it may not change. */
function takeUpStep(m: Machine): void {
  const proposal = m.proposalPledges.get(proposalId(m.at));
  const hasPrevoted = pledgeAt(m, m.at, Step.Prevote) !== null;
  if (proposal?.body && hasPrevoted) {
    m.emit({ kind: "broadcast", type: MessageType.Proposal, body: proposal.body });
  }
  if (m.polka !== null) m.setStep(Step.PrecommitWait, m.timing.voteMs(m.round));
  else if (hasPrevoted) m.setStep(Step.PrevoteWait, m.timing.voteMs(m.round));
  resendVotes(m);
}

/**
 * The block of the latest quorum of prevotes: the reference stores no vote that followed from it. Or
 * that of the latest own precommit, when the quorum behind it was lost.
 */
function lockOf(m: Machine, polkas: ReadonlyMap<bigint, Certificate>): Lock | null {
  const precommits = [...m.pledges.values()].map(({ vote }) => vote)
    .filter(({ step }) => step === Step.Precommit)
    .filter(isForBlock)
    .map(({ round, hash }): Lock => ({ round, hash, votesBySender: [] }));
  let latest: Lock | null = null;
  for (const lock of [...polkas.values(), ...precommits]) {
    if (latest === null || lock.round > latest.round) latest = lock;
  }
  return latest;
}

/** Takes up one record; false when it is not what its type says. */
function replay(m: Machine, { type, body }: WalRecord, recovered: Recovered): boolean {
  m.log("debug", `load_wal_log height: ${m.height}, type ${type}`);
  switch (type) {
    case RecordType.Propose:
      return replayApproved(m, decodeProposal(body));
    case RecordType.QuorumVotes:
      return replayQuorum(m, body, recovered);
    case RecordType.OwnVote:
      return replayOwnVote(m, readOwnVote(body));
    case RecordType.OwnProposal:
      return replayOwnProposal(m, readOwnProposal(body));
    case RecordType.Skip:
    case RecordType.FinalizeBlock:
      return !isOfOtherType(m, body);
    default:
      return false;
  }
}

/** The checksum does not cover the type: a flipped bit must not make a record one to ignore. */
function isOfOtherType(m: Machine, body: Bytes): boolean {
  const contents = [
    readOwnVote(body)?.vote,
    readOwnProposal(body)?.proposal,
    decodeProposal(body),
    decodeLeaderVote(body),
  ];
  return contents.some((content) => content?.height === m.height);
}

function replayApproved(m: Machine, proposal: Proposal | null): boolean {
  if (proposal === null || proposal.height !== m.height) return false;
  const { hash } = proposal.proposed;
  if (hashHex(m.crypto, proposal.raw) !== hash) return false;
  approve(m, hash, proposal.raw);
  if (m.proposals.at(proposal) === null && !m.isLeader(proposal)) {
    m.proposals.record(proposal, { hash, provenRound: null, origin: 0n, signature: null });
  }
  return true;
}

function approve(m: Machine, hash: HashHex, raw: Uint8Array): void {
  const content = m.proposals.addContent(hash, m.height, raw);
  content.status = "approved";
  content.isPersisted = true;
}

/** A quorum that does not verify is not damage: the validators may have changed. */
function replayQuorum(m: Machine, body: Uint8Array, recovered: Recovered): boolean {
  const leaderVote = decodeLeaderVote(body);
  if (leaderVote === null || leaderVote.height !== m.height) return false;
  const { validators, crypto } = m;
  const step = leaderVote.step === Step.Prevote ? Step.Prevote : Step.Precommit;
  const certificate = verifyLeaderVote(leaderVote, { validators, crypto, step });
  if (certificate === null) return true;
  if (step === Step.Prevote) recovered.polkas.set(certificate.round, certificate);
  else recovered.certificate = certificate;
  return true;
}

function replayOwnVote(m: Machine, signed: SignedVote | null): boolean {
  if (signed === null || signed.vote.height !== m.height) return false;
  const { vote, signature } = signed;
  const voteHash = hashVote(m.crypto, vote);
  if (signerOfHash(m.crypto, { hash: voteHash, signature }) !== m.own) return false;
  m.pledges.set(pledgeId(vote), { vote, voteHash, signature, records: [], targets: ["leader"] });
  return true;
}

/**
 * Takes up a proposal if it is an own one: behind damage, anything that users put into blocks can
 * look like a record. One of a turn that this node had by another list of validators counts as
 * damage, too.
 */
function replayOwnProposal(m: Machine, signed: SignedProposal | null): boolean {
  if (signed === null || signed.proposal.height !== m.height) return false;
  const { proposal, signature } = signed;
  const { hash, lockRound } = proposal.proposed;
  if (!m.isLeader(proposal) || hashHex(m.crypto, proposal.raw) !== hash) return false;
  const proposalHash = hashProposal(m.crypto, proposal);
  if (signerOfHash(m.crypto, { hash: proposalHash, signature }) !== m.own) return false;
  approve(m, hash, proposal.raw);
  if (lockRound === null) m.ownContent ??= hash;
  const body = encodeSignedProposal(signed);
  m.proposalPledges.set(proposalId(proposal), { proposal, proposalHash, body });
  return true;
}
