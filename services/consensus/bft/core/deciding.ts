/**
 * Acting on quorums: locking and precommitting on prevotes, committing on precommits
 * (spec/consensus.md, sections 4.6, 4.7 and 4.11).
 *
 * @module
 */

import { type Bytes, equalBytes } from "../../../../shared/bytes/mod.ts";
import { hashHex } from "./crypto.ts";
import { explainGivenUp, tellFailedRound } from "./diagnosis.ts";
import { accuseBoth } from "./evidence.ts";
import { isApproved } from "./following.ts";
import { RecordType } from "./interface.ts";
import type { EarlyLeaderVote, Machine } from "./machine.ts";
import { decodeLeaderVote, isNil, type LeaderVote, MessageType, Step } from "./messages.ts";
import { castVote, persist, pledgeAt } from "./own_votes.ts";
import { type Certificate, verifyLeaderVote } from "./proof.ts";
import { enterHeight, enterRound } from "./rounds.ts";
import type { CollectedStep } from "./vote_book.ts";

/** Takes an `lprevote` or `lprecommit` message. */
export function receiveLeaderVote(m: Machine, type: string, origin: bigint, body: Bytes): void {
  const step = type === MessageType.LeaderPrevote ? Step.Prevote : Step.Precommit;
  const leaderVote = decodeLeaderVote(body);
  if (leaderVote === null || leaderVote.step !== step) {
    return m.log("debug", `drop an undecodable ${type}`);
  }
  const { height, round, hash } = leaderVote;
  if (height < m.workingHeight || height > m.height + 1n) return;
  if (isNil(hash)) return receiveNil(m, leaderVote, origin);
  const rival = rivalOf(m, leaderVote, step);
  if (height === m.height && rival === null && !isQuorumTimely(m, leaderVote, step)) return;
  const certificate = verifyLeaderVote(leaderVote, {
    validators: m.validators,
    crypto: m.crypto,
    step,
  });
  if (certificate === null) {
    return m.log("warn", `drop an invalid ${type} h: ${height} r: ${round}`);
  }
  if (rival !== null) return accuseBoth(m, rival, certificate);
  if (height === m.height + 1n && m.step !== Step.CommitWait) {
    return keepEarly(m, { type, origin, body, height, round });
  }
  // a quorum works on the next height already: waiting longer would only fall behind
  if (height > m.height) enterHeight(m, height);
  if (step === Step.Prevote) takePrevotes(m, certificate);
  else takePrecommits(m, certificate);
}

/** The quorum known for the same round and another block: both together are evidence. */
function rivalOf(
  m: Machine,
  { height, round, hash }: LeaderVote,
  step: CollectedStep,
): Certificate | null {
  const known = step === Step.Prevote ? m.polka : m.certificate;
  const isSameRound = known?.height === height && known.round === round;
  return isSameRound && known.hash !== hash ? known : null;
}

/** Once the height is decided, only a recovered proof may still give way to that of others. */
function isQuorumTimely(m: Machine, { round }: LeaderVote, step: CollectedStep): boolean {
  if (m.certificate !== null) return m.isInquiring && step === Step.Precommit;
  if (step === Step.Precommit) return true;
  return round > m.round || (round === m.round && m.polka === null);
}

/** One per type, of the highest round; looked at again when the height is entered. */
function keepEarly(m: Machine, message: EarlyLeaderVote): void {
  const known = m.early.get(message.type);
  if (known === undefined || known.height < message.height || known.round < message.round) {
    m.early.set(message.type, message);
  }
}

/** Takes up leader votes that came before this node was at their height. */
export function earlyLeaderVotesRule(m: Machine): boolean {
  for (const [type, { height, origin, body }] of m.early) {
    if (height > m.workingHeight) continue;
    m.early.delete(type);
    receiveLeaderVote(m, type, origin, body);
    return true;
  }
  return false;
}

/**
 * The news that a round has no block is not signed: it is believed only for the current round and
 * from where the round's proposal came, and never ends a lock (section 4.11, FIX).
 */
function receiveNil(m: Machine, { height, round, step }: LeaderVote, origin: bigint): void {
  const isCurrent = height === m.height && round === m.round && m.isVoting;
  if (!isCurrent || m.isLeader() || origin === 0n) return;
  if (m.proposals.at(m.at)?.origin !== origin) return;
  if (step === Step.Prevote && m.polka !== null) return;
  tellFailedRound(m, explainGivenUp(m));
  enterRound(m, round + 1n);
}

function takePrevotes(m: Machine, certificate: Certificate): void {
  if (certificate.round > m.round) enterRound(m, certificate.round);
  m.polka = certificate;
  m.setStep(Step.PrecommitWait, m.timing.voteMs(m.round));
}

function takePrecommits(m: Machine, certificate: Certificate): void {
  const { certificate: known } = m;
  if (known === null || !equalBytes(known.bytes, certificate.bytes)) {
    m.certificate = certificate;
    persist(m, [{ type: RecordType.QuorumVotes, body: certificate.bytes }]);
  }
  if (m.isInquiring) commit(m);
  if (m.proposals.content(certificate.hash) === null) {
    m.log(
      "warn",
      `Saved proposal not equal to hash: 0x${certificate.hash} is decided at height ` +
        `${certificate.height}, its data never came, the controller has to synchronise`,
    );
  }
}

/**
 * On a quorum of prevotes for an approved block, locks on it and precommits. The quorum is stored
 * with the vote, so that the lock outlives a crash.
 */
export function precommitRule(m: Machine): boolean {
  const { polka } = m;
  if (!m.isVoting || polka === null || m.abstains) return false;
  if (pledgeAt(m, m.at, Step.Precommit) !== null) return false;
  const content = m.proposals.content(polka.hash);
  if (content === null || !isApproved(m, polka.hash, content)) return false;
  const { round, hash, votesBySender } = polka;
  m.lock = { round, hash, votesBySender };
  const records = [{ type: RecordType.QuorumVotes, body: polka.bytes }];
  castVote(m, { ...m.at, step: Step.Precommit, hash }, { target: "leader", records });
  return true;
}

/** On a quorum of precommits, of whatever round, commits the block as soon as its data is here. */
export function commitRule(m: Machine): boolean {
  if (m.certificate === null || m.step === Step.Commit || m.step === Step.CommitWait) return false;
  if (m.proposals.content(m.certificate.hash) === null) return false;
  if (m.isRecovered && m.validators.length > 1) inquire(m, m.certificate);
  else commit(m);
  return true;
}

/** Hands the block to the controller; repeated until it answers. */
export function commit(m: Machine): void {
  const { certificate } = m;
  const data = certificate === null ? null : dataOf(m, certificate);
  if (certificate === null || data === null) return;
  m.isInquiring = false;
  m.setStep(Step.Commit, m.timing.commitMs(certificate.round, m.validators.length));
  const { height, bytes: proof } = certificate;
  m.emit({ kind: "commit", height, data, proof });
}

/**
 * The data of a decided block, whose hash is all that the votes were for. It was compared with it
 * when it came, and is once more: a block that is stored stays.
 */
function dataOf(m: Machine, { height, hash }: Certificate): Bytes | null {
  const content = m.proposals.content(hash);
  if (content === null || hashHex(m.crypto, content.raw) === hash) return content?.raw ?? null;
  m.log("error", `forget the data of height ${height}: it is not that of 0x${hash}`);
  m.proposals.forget(hash);
  return null;
}

/**
 * After a restart others may have decided the same block in a later round, with another proof,
 * which is what the next proposal will contain. So they are asked first: those still at this height
 * get the recovered proof, those beyond it answer with theirs.
 */
function inquire(m: Machine, { height, round, bytes }: Certificate): void {
  m.isInquiring = true;
  m.setStep(Step.Commit, m.timing.proposeMs(0n));
  m.emit({ kind: "broadcast", type: MessageType.LeaderPrecommit, body: bytes });
  castVote(m, { height, round, step: Step.NewView, hash: null }, { target: "everyone" });
}
