/**
 * Who becomes leader (spec/consensus.md, section 10.4).
 *
 * @module
 */

import { equalBytes } from "../../../../shared/bytes/mod.ts";
import { isVoter } from "./conf_change.ts";
import { becomeLeader } from "./leading.ts";
import type { Machine } from "./machine.ts";
import { membersByLog } from "./membership.ts";
import { CAMPAIGN_TRANSFER, type Message, MessageType, NO_NODE } from "./messages.ts";
import { isQuorum, voteResult } from "./quorum.ts";

/** Why a node wants to be leader. */
type CampaignCause = "timeout" | "transfer";

/**
 * Starts an election among the voters by the own log. A node that is to leave by a change that may
 * not be committed takes part too: it may be the only one that has it.
 */
export function campaign(m: Machine, cause: CampaignCause): void {
  const electorate = membersByLog(m);
  if (m.role === "leader" || !(m.isVoter || isVoter(electorate, m.id))) return;
  m.setElectorate(electorate);
  const mustAsk = m.options.asksBeforeElection && !isAnswered(m);
  if (cause === "timeout" && mustAsk) return askBeforeElection(m);
  runForLeader(m, cause);
}

/**
 * Whether a majority answered and did not agree. Who follows a leader of use does not answer; peers
 * of 6.3.3 do, and without an election they stay with one that is of none.
 */
function isAnswered(m: Machine): boolean {
  return m.role === "preCandidate" && isQuorum(m.deciders, (id) => m.votes.has(id));
}

/** Answers a request for a vote, or whether one would be given. */
export function onVoteRequest(m: Machine, request: Message): void {
  const { from, term } = request;
  const isPreVote = request.msgType === MessageType.REQUEST_PRE_VOTE;
  const msgType = isPreVote
    ? MessageType.REQUEST_PRE_VOTE_RESPONSE
    : MessageType.REQUEST_VOTE_RESPONSE;
  if (grants(m, request)) {
    m.send({ msgType, to: from, term });
    if (isPreVote) return;
    m.vote = from;
    m.electionElapsed = 0;
    return;
  }
  m.send({ msgType, to: from, reject: true, ...commitOf(m) });
  learnCommit(m, request);
}

export function onVoteResponse(m: Machine, response: Message): void {
  const isPreVote = response.msgType === MessageType.REQUEST_PRE_VOTE_RESPONSE;
  if (m.role !== (isPreVote ? "preCandidate" : "candidate")) return;
  countVote(m, response.from, !response.reject);
  learnCommit(m, response);
}

/**
 * Whether the leader was of use so recently that nobody needs another. One that is heard and gets
 * nothing committed is none: it may not know that a majority does not reach it, nor this node that
 * something waits. Where nothing does, another leader does no harm.
 */
export function isInLease(m: Machine, message: Message): boolean {
  // who only asks is ignored in any case
  const isRefused = m.options.checksQuorum || message.msgType === MessageType.REQUEST_PRE_VOTE;
  if (!isRefused || m.leader === NO_NODE || isHandOver(message)) return false;
  // a leader looks itself whether a majority reaches it
  if (m.role === "leader") return true;
  const { ticks, isOver, isBarren } = m.patience;
  return m.electionElapsed < ticks && !isOver && !isBarren;
}

/** Whether the leader itself asked for an election. */
export function isHandOver({ context }: Message): boolean {
  return equalBytes(context, CAMPAIGN_TRANSFER);
}

function askBeforeElection(m: Machine): void {
  m.votes.clear();
  m.role = "preCandidate";
  m.leader = NO_NODE;
  m.restartElectionTimer();
  requestVotes(m, { msgType: MessageType.REQUEST_PRE_VOTE, term: m.term + 1n });
  countVote(m, m.id, true);
}

function runForLeader(m: Machine, cause: CampaignCause): void {
  if (cause === "transfer") m.patience.noteHandOver();
  m.reset(m.term + 1n);
  m.role = "candidate";
  m.vote = m.id;
  const msgType = MessageType.REQUEST_VOTE;
  if (cause === "transfer") requestVotes(m, { msgType, context: CAMPAIGN_TRANSFER });
  else requestVotes(m, { msgType });
  countVote(m, m.id, true);
}

function requestVotes(m: Machine, draft: Partial<Message> & Pick<Message, "msgType">): void {
  const { lastIndex: index, lastTerm: logTerm } = m.log;
  for (const to of new Set([...m.deciders.voters, ...m.deciders.votersOutgoing])) {
    if (to !== m.id) m.send({ ...draft, to, index, logTerm, ...commitOf(m) });
  }
}

/** The first answer of a node counts. */
function countVote(m: Machine, from: bigint, isGranted: boolean): void {
  if (!m.votes.has(from)) m.votes.set(from, isGranted);
  switch (voteResult(m.deciders, m.votes)) {
    case "won":
      return m.role === "preCandidate" ? runForLeader(m, "timeout") : becomeLeader(m);
    case "lost":
      if (m.role === "candidate") m.becomeFollower(m.term, NO_NODE);
      return;
    case "pending":
  }
}

/** One vote per term, and only for a log that holds all that may be committed. */
function grants(m: Machine, { msgType, from, term, index, logTerm }: Message): boolean {
  const isFree = m.vote === from || (m.vote === NO_NODE && m.leader === NO_NODE) ||
    (msgType === MessageType.REQUEST_PRE_VOTE && term > m.term);
  return isFree && m.log.isUpToDate({ index, term: logTerm });
}

function commitOf({ log }: Machine): Pick<Message, "commit" | "commitTerm"> {
  return { commit: log.committed, commitTerm: log.termAt(log.committed) ?? 0n };
}

/** What another node knows to be committed is so here too, where the log has the same entry. */
function learnCommit(m: Machine, { commit, commitTerm }: Message): void {
  if (commitTerm !== 0n && m.log.termAt(commit) === commitTerm) m.log.commitTo(commit);
}
