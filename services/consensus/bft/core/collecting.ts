/**
 * The leader's work: it collects votes and tells everyone what they amount to (spec/consensus.md,
 * sections 4.6 and 4.7).
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { AddressHex, HashHex } from "./bincode.ts";
import { voterOf } from "./crypto.ts";
import { tellFailedRound } from "./diagnosis.ts";
import { accuse, offenceOf, statementOf } from "./evidence.ts";
import { RecordType } from "./interface.ts";
import type { Machine } from "./machine.ts";
import {
  decodeSignedVote,
  encodeLeaderVote,
  isNil,
  MessageType,
  Step,
  stepName,
  type Vote,
} from "./messages.ts";
import { persist } from "./own_votes.ts";
import { ROUNDS_AHEAD_MAX } from "./proposal_book.ts";
import { certificateOf } from "./proof.ts";
import { enterRound } from "./rounds.ts";
import type { CollectedStep } from "./vote_book.ts";
import type { VoteSet } from "./vote_set.ts";

/** Takes a `prevote` or `precommit` message. */
export function receiveVote(m: Machine, step: CollectedStep, body: Bytes): void {
  const signed = decodeSignedVote(body);
  if (signed === null || signed.vote.step !== step) {
    return m.log("debug", `drop an undecodable ${stepName(step)}`);
  }
  const { vote } = signed;
  if (!m.isLeader(vote) || !isVoteTimely(m, vote)) return;
  const voter = voterOf(m.crypto, signed);
  if (voter === null || voter === m.own || !m.validators.includes(voter)) {
    return m.log("warn", `drop a ${stepName(step)} h: ${vote.height} of no validator`);
  }
  m.log("info", `Handle message leader get vote: ${describe(vote, voter)}`);
  const first = m.votes.of(vote, step).add(voter, signed);
  if (first !== null) accuse(m, offenceOf(voter, signed), [first, signed].map(statementOf));
}

function describe({ height, round, step, hash }: Vote, voter: AddressHex): string {
  const what = isNil(hash) ? "nil" : `0x${hash}`;
  return `height ${height} round ${round} step ${stepName(step)}, sender 0x${voter}, hash ${what}`;
}

/** Precommits of earlier rounds still decide; prevotes of earlier rounds are of no use. */
function isVoteTimely(m: Machine, { height, round, step }: Vote): boolean {
  if (height > m.height + BigInt(m.validators.length)) return false;
  if (height > m.height) return round < ROUNDS_AHEAD_MAX;
  if (height < m.height || m.certificate !== null) return false;
  const isEarlier = round < m.round;
  if (isEarlier) return step === Step.Precommit && round + ROUNDS_AHEAD_MAX > m.round;
  return round < m.round + ROUNDS_AHEAD_MAX;
}

/** As leader, announces a quorum of prevotes. */
export function announcePrevotesRule(m: Machine): boolean {
  if (!m.isVoting || !m.isLeader() || m.polka !== null) return false;
  const set = m.votes.of(m.at, Step.Prevote);
  const hash = quorumHash(m, set);
  if (hash === null) return false;
  m.polka = certificateOf({ ...m.at, step: Step.Prevote, hash }, set.entriesFor(hash));
  m.setStep(Step.PrecommitWait, m.timing.voteMs(m.round));
  m.emit({ kind: "broadcast", type: MessageType.LeaderPrevote, body: m.polka.bytes });
  return true;
}

/** As leader of this or an earlier round, freezes and announces a quorum of precommits. */
export function announcePrecommitsRule(m: Machine): boolean {
  if (!m.isVoting) return false;
  for (const { round, set } of m.votes.precommitsOf(m.height)) {
    const hash = quorumHash(m, set);
    if (hash === null) continue;
    const at = { height: m.height, round, step: Step.Precommit, hash };
    m.certificate = certificateOf(at, set.entriesFor(hash));
    persist(m, [{ type: RecordType.QuorumVotes, body: m.certificate.bytes }]);
    const body = m.certificate.bytes;
    m.emit({ kind: "broadcast", type: MessageType.LeaderPrecommit, body });
    m.log("info", `gennerate proof ok h: ${m.height} r: ${round}`);
    return true;
  }
  return false;
}

function quorumHash(m: Machine, set: VoteSet): HashHex | null {
  const best = set.bestBlock();
  return best !== null && m.isQuorum(best.count) ? best.hash : null;
}

/** As leader, gives up a round in which no block can get a quorum any more. */
export function giveUpRule(m: Machine): boolean {
  if (!m.isVoting || !m.isLeader() || m.step === Step.ProposeWait) return false;
  const step = m.polka === null ? Step.Prevote : Step.Precommit;
  if (canReachQuorum(m, m.votes.of(m.at, step))) return false;
  giveUpRound(m, step);
  return true;
}

function canReachQuorum(m: Machine, set: VoteSet): boolean {
  const missing = m.validators.length - set.count;
  return m.isQuorum((set.bestBlock()?.count ?? 0) + missing);
}

/** Tells followers that a round of this leader ended without a block, and starts the next. */
export function giveUpRound(m: Machine, step: CollectedStep): void {
  const { height, round } = m;
  const body = encodeLeaderVote({ height, round, step, hash: null, votes: [] });
  const type = step === Step.Prevote ? MessageType.LeaderPrevote : MessageType.LeaderPrecommit;
  tellFailedRound(m);
  m.emit({ kind: "broadcast", type, body });
  enterRound(m, round + 1n);
}

/** Whether a quorum voted, though not for one block: what a leader learns when its time is over. */
export function isSplit(m: Machine, step: CollectedStep): boolean {
  return m.isLeader() && m.isQuorum(m.votes.of(m.at, step).count);
}
