/**
 * Giving up a round together (spec/consensus.md, section 4.8).
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { NUMBER_END } from "../../numbers.ts";
import { answerBehind, mayAnswer } from "./answers.ts";
import type { AddressHex } from "./bincode.ts";
import { voterOf } from "./crypto.ts";
import type { Machine, VoteTarget } from "./machine.ts";
import { decodeSignedVote, MessageType, type SignedVote, Step, type Vote } from "./messages.ts";
import { castVote } from "./own_votes.ts";
import { proposalId } from "./proposing.ts";
import { enterRound } from "./rounds.ts";
import { quorumSize } from "./validators.ts";

/** Takes a `newview` message. */
export function receiveNewView(m: Machine, origin: bigint, body: Bytes): void {
  const signed = decodeSignedVote(body);
  const step = signed?.vote.step;
  if (signed === null || (step !== Step.NewView && step !== Step.NewViewRes)) {
    return m.log("debug", "drop an undecodable newview");
  }
  const { height, round } = signed.vote;
  if (height > m.height + BigInt(m.validators.length) || round >= NUMBER_END) return;
  const voter = checkVoter(m, signed);
  if (voter === null) {
    return m.log("warn", `drop a newview h: ${height} r: ${round} of no validator`);
  }
  m.log("info", `Handle message hanle newview: height ${height} round ${round}, sender 0x${voter}`);
  if (m.decisionOf(height) !== null) return answerBehind(m, { height, voter, origin });
  if (height < m.height) return;
  m.newViews.add(voter, { height, round });
  // an answer is never answered, else two nodes could go on for ever
  const isLate = height === m.height && round < m.round;
  if (isLate && step === Step.NewView) answerLate(m, { voter, origin, round });
}

/** The other validator that signed; what it says again and again is checked once. */
function checkVoter(m: Machine, signed: SignedVote): AddressHex | null {
  const known = m.newViews.voterOf(signed);
  if (known !== null) return known;
  const voter = voterOf(m.crypto, signed);
  if (voter === null || voter === m.own || !m.validators.includes(voter)) return null;
  m.newViews.remember(voter, signed);
  return voter;
}

/** Helps a validator in an earlier round: it needs this node's newview of that round to follow. */
function answerLate(
  m: Machine,
  { voter, origin, round }: {
    readonly voter: AddressHex;
    readonly origin: bigint;
    readonly round: bigint;
  },
): void {
  if (!m.isVoting || !mayAnswer(m, `${voter}/${m.height}/${round}`)) return;
  sendNewView(m, round, origin);
  const latest = m.newViews.of(m.own, m.height);
  if (latest !== null && latest > round) sendNewView(m, latest, origin);
}

/** Has the own newview of a round signed and sent. */
function sendNewView(m: Machine, round: bigint, origin: bigint): void {
  const target: VoteTarget = origin === 0n ? "everyone" : origin;
  const vote: Vote = { height: m.height, round, step: Step.NewView, hash: null };
  castVote(m, vote, { target });
}

/** Gives up a round: everyone is told, and nothing else happens before others say the same. */
export function giveUp(m: Machine, round: bigint): void {
  m.newViews.add(m.own, { height: m.height, round });
  sendNewView(m, round, 0n);
}

/**
 * In late rounds the waits are long: validators that are in different ones after a bad time would
 * hardly meet. So whoever stays in a round repeats how it got there.
 */
export function onRemind(m: Machine): void {
  if (!m.isVoting) return;
  m.retryLater("remind", m.timing.newViewMs(m.validators.length));
  const given = m.newViews.of(m.own, m.height);
  if (given !== null && m.step !== Step.NewView) sendNewView(m, given, 0n);
  const body = m.proposalPledges.get(proposalId(m.at))?.body;
  if (body) m.emit({ kind: "broadcast", type: MessageType.Proposal, body });
}

/**
 * Enters the next round once all but the faulty gave up this one or a later one. The own newview
 * counts, and follows those of others when it alone is missing.
 */
export function nextRoundRule(m: Machine): boolean {
  if (!m.isVoting) return false;
  const others = quorumSize(m.validators.length) - 1;
  const own = m.newViews.of(m.own, m.height);
  const reached = others === 0 ? own : m.newViews.reachedByOthers(m.own, m.at, others);
  if (reached === null || reached < m.round) return false;
  if (own === null || own < reached) giveUp(m, reached);
  enterRound(m, reached + 1n);
  return true;
}
