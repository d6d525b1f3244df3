import { assert } from "../../../../shared/assert/mod.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { type ConfChangeV2, confStateOf } from "./conf_change.ts";
import { campaign, isHandOver, isInLease, onVoteRequest, onVoteResponse } from "./election.ts";
import { onAppend, onHeartbeat, onSnapshot } from "./following.ts";
import type { RaftOptions, RaftState, Ready } from "./interface.ts";
import {
  appendEntry,
  broadcastHeartbeat,
  checkQuorum,
  onAppendResponse,
  onHeartbeatResponse,
  onOwnPersisted,
  transferLeadership,
} from "./leading.ts";
import { Machine } from "./machine.ts";
import {
  applyConfChange,
  canProposeConfChange,
  endElectionRule,
  leaveJointRule,
  proposeConfChange,
} from "./membership.ts";
import {
  type ConfState,
  type Entry,
  entryOf,
  EntryType,
  type HardState,
  isConfChange,
  isFromLeader,
  isFromPeerTo,
  isPlausible,
  isResponse,
  type Message,
  MessageType,
  NO_NODE,
} from "./messages.ts";
import { maxOf, minOf } from "./progress.ts";

/** An honest group needs centuries for so many elections. */
const TERM_JUMP_MAX = 1n << 32n;

/** What can be read of the machine from outside. */
export type RaftView = Pick<
  Machine,
  | "id"
  | "term"
  | "vote"
  | "votes"
  | "role"
  | "leader"
  | "members"
  | "applied"
  | "progress"
  | "isVoter"
  | "isActive"
  | "log"
>;

/**
 * Raft as one node runs it (spec/consensus.md, sections 10 and 13): messages and ticks in,
 * {@linkcode Ready} out. It does nothing itself; whoever runs it keeps the order of a Ready, and
 * above all stores what is to be stored before the messages that rely on it leave.
 */
export class RaftCore {
  readonly #m: Machine;
  /** Hard state that is stored, or will be when the Ready at hand is. */
  #hardState: HardState;
  /** Entries of the Ready that the driver works on; null when it works on none. */
  #inProgress: readonly Entry[] | null = null;

  constructor(options: RaftOptions, state: RaftState) {
    assert(options.id !== NO_NODE, "Zero names no node");
    assert(
      options.electionTicks > options.heartbeatTicks,
      "Elections must be slower than heartbeats",
    );
    assert(state.applied >= state.start.index, "Only applied entries can have been compacted");
    this.#m = new Machine(options, state);
    this.#hardState = state.hardState;
  }

  get view(): RaftView {
    return this.#m;
  }

  get confState(): ConfState {
    return confStateOf(this.#m.members);
  }

  /** Whether a conf change would be taken. */
  get canProposeConfChange(): boolean {
    return canProposeConfChange(this.#m);
  }

  /** Time passes. */
  tick(): void {
    const m = this.#m;
    m.electionElapsed++;
    if (m.role === "leader") return tickLeader(m);
    m.patience.tick();
    // whoever may not campaign counts on: the leader that it last heard of must not stay in office
    if (m.electionElapsed >= m.electionTimeout) campaign(m, "timeout");
  }

  /** Wants to be leader now. */
  campaign(): void {
    campaign(this.#m, "timeout");
  }

  /** Adds an entry; false when this is not the leader, or one that hands over. */
  propose(data: Bytes): boolean {
    const m = this.#m;
    if (m.role !== "leader" || m.transferee !== NO_NODE) return false;
    appendEntry(m, entryOf(EntryType.ENTRY_NORMAL, data));
    return true;
  }

  /** Changes the members; false when that is not possible now: try again once all is applied. */
  proposeConfChange(change: ConfChangeV2): boolean {
    return proposeConfChange(this.#m, change);
  }

  /** Hands leadership to another voter; false when that is impossible. Given up after a while. */
  transferLeadership(to: bigint): boolean {
    return transferLeadership(this.#m, to);
  }

  /**
   * Takes a message of a peer. Whatever it holds, at worst it is ignored; were it followed to the
   * end of the numbers, no election could begin after that.
   *
   * @returns false when no group comes to its numbers
   */
  step(message: Message): boolean {
    if (!isPlausible(message)) return false;
    const m = this.#m;
    const isKnown = !isResponse(message) || m.progress.has(message.from);
    if (isKnown && isFromPeerTo(m.id, message)) receive(m, message);
    return true;
  }

  /** The next work for the driver; null when there is none, or it has not finished the last. */
  ready(): Ready | null {
    if (this.#inProgress !== null) return null;
    const m = this.#m;
    const entries = m.log.unstable();
    const hardState = this.#changedHardState();
    const committedEntries = m.log.slice(m.handedOut + 1n, minOf(m.log.committed, m.log.stable));
    const work = m.messages.length + entries.length + committedEntries.length;
    if (work === 0 && hardState === null && m.newSnapshot === null) return null;
    const hasNewVote = hardState !== null &&
      (hardState.term !== this.#hardState.term || hardState.vote !== this.#hardState.vote);
    // a leader's own copy counts when it is stored, so that others need not wait for it
    const isEarly = m.role === "leader" && !hasNewVote;
    const ready = {
      messages: isEarly ? m.messages : [],
      snapshot: m.newSnapshot,
      entries,
      hardState,
      persistedMessages: isEarly ? [] : m.messages,
      committedEntries,
    };
    this.#inProgress = entries;
    this.#hardState = hardState ?? this.#hardState;
    m.messages = [];
    m.newSnapshot = null;
    m.handedOut = committedEntries.at(-1)?.index ?? m.handedOut;
    return ready;
  }

  /** The Ready at hand is stored and its messages are sent. */
  advance(): void {
    assert(this.#inProgress !== null, "There is no Ready to finish");
    const { log } = this.#m;
    // a leader may have replaced the end of them meanwhile
    const last = this.#inProgress.findLast(({ index, term }) => log.termAt(index) === term);
    this.#inProgress = null;
    if (last !== undefined && log.stableTo(last)) onOwnPersisted(this.#m);
  }

  /**
   * A committed entry was applied; entries that a snapshot overtook are ignored. Conf changes take
   * effect here.
   *
   * @param data state of the application from now on
   */
  applied(entry: Entry, data: Bytes): void {
    const m = this.#m;
    if (entry.index <= m.applied) return;
    assert(entry.index === m.applied + 1n, "Entries are applied one after the other");
    m.applied = entry.index;
    m.data = data;
    if (isConfChange(entry)) applyConfChange(m, entry);
    endElectionRule(m);
    leaveJointRule(m);
  }

  /** Forgets applied entries; who needs them gets a snapshot. */
  compact(index: bigint): void {
    assert(index <= this.#m.applied, "Only applied entries can be compacted");
    this.#m.log.compact(index);
  }

  #changedHardState(): HardState | null {
    const { term, vote, log } = this.#m;
    const old = this.#hardState;
    const isSame = term === old.term && vote === old.vote && log.committed === old.commit;
    return isSame ? null : { term, vote, commit: log.committed };
  }
}

function tickLeader(m: Machine): void {
  m.heartbeatElapsed++;
  if (m.log.committed < m.log.lastIndex) m.patience.tick();
  for (const progress of m.progress.values()) progress.silentTicks++;
  if (m.electionElapsed >= m.options.electionTicks) {
    m.electionElapsed = 0;
    m.transferee = NO_NODE;
    // those that hear a leader refuse pre-votes: one that only they hear must not stay
    if (m.options.checksQuorum || m.options.asksBeforeElection) checkQuorum(m);
  }
  if (m.role !== "leader" || m.heartbeatElapsed < m.options.heartbeatTicks) return;
  m.heartbeatElapsed = 0;
  broadcastHeartbeat(m);
}

/**
 * A leader or candidate of a lower term learns of this one where it would not otherwise: from nodes
 * that do not campaign against it, or campaign among members of long ago; a candidate only while
 * there is no leader to tell it. The reference tells only leaders, with check_quorum only, and can
 * be stuck.
 */
function answerStale(m: Machine, message: Message): void {
  const { from: to, msgType } = message;
  if (msgType === MessageType.REQUEST_PRE_VOTE) {
    m.send({ msgType: MessageType.REQUEST_PRE_VOTE_RESPONSE, to, reject: true });
  } else if (msgType === MessageType.REQUEST_VOTE && m.leader === NO_NODE) {
    m.send({ msgType: MessageType.REQUEST_VOTE_RESPONSE, to, reject: true });
  } else if (isFromLeader(message)) {
    m.send({ msgType: MessageType.APPEND_RESPONSE, to });
  }
}

function receive(m: Machine, message: Message): void {
  if (message.term < m.term) return answerStale(m, message);
  if (message.term === m.term || enterTerm(m, message)) take(m, message);
}

/** Follows a higher term; false when the message is to be ignored. */
function enterTerm(m: Machine, message: Message): boolean {
  const { msgType, term, from, reject } = message;
  const isPreVote = msgType === MessageType.REQUEST_PRE_VOTE;
  if ((isPreVote || msgType === MessageType.REQUEST_VOTE) && isInLease(m, message)) return false;
  // a question, or a favourable answer to one, is about a term that has not begun
  if (isPreVote || (msgType === MessageType.REQUEST_PRE_VOTE_RESPONSE && !reject)) return true;
  // so far in steps, each for another message: one alone does not use the numbers up
  if (term > m.term + TERM_JUMP_MAX) {
    m.becomeFollower(m.term + TERM_JUMP_MAX, NO_NODE);
    return false;
  }
  if (isHandOver(message)) m.patience.noteHandOver();
  m.becomeFollower(term, isFromLeader(message) ? from : NO_NODE);
  return true;
}

function take(m: Machine, message: Message): void {
  switch (message.msgType) {
    case MessageType.REQUEST_VOTE:
    case MessageType.REQUEST_PRE_VOTE:
      return onVoteRequest(m, message);
    case MessageType.REQUEST_VOTE_RESPONSE:
    case MessageType.REQUEST_PRE_VOTE_RESPONSE:
      return onVoteResponse(m, message);
    case MessageType.APPEND:
    case MessageType.HEARTBEAT:
    case MessageType.SNAPSHOT:
      return follow(m, message);
    case MessageType.TIMEOUT_NOW:
      return campaign(m, "transfer");
    default:
      if (m.role === "leader") return lead(m, message);
  }
}

function follow(m: Machine, message: Message): void {
  // there is one leader per term: a second one is an impostor
  if (m.role === "leader") return;
  const { committed, lastIndex } = m.log;
  obey(m, message);
  const isWaiting = committed < maxOf(lastIndex, m.knownIndex);
  if (!isWaiting) m.patience.noteRest();
  if (m.log.committed > committed) m.patience.noteCommit(m.isFruitful);
  // whoever asks because a leader is of no use goes on asking
  if (m.role === "preCandidate" && m.patience.isOver) return;
  if (m.role !== "follower") m.becomeFollower(m.term, message.from);
  m.leader = message.from;
  m.patience.follow(m.isFruitful);
  // without a question first, elections for the sake of a slow leader would depose good ones
  if (!m.patience.isOver || !m.options.asksBeforeElection) m.electionElapsed = 0;
}

function obey(m: Machine, message: Message): void {
  if (message.msgType === MessageType.APPEND) return onAppend(m, message);
  if (message.msgType === MessageType.HEARTBEAT) return onHeartbeat(m, message);
  onSnapshot(m, message);
}

function lead(m: Machine, message: Message): void {
  switch (message.msgType) {
    case MessageType.APPEND_RESPONSE:
      return onAppendResponse(m, message);
    case MessageType.HEARTBEAT_RESPONSE:
      return onHeartbeatResponse(m, message);
    case MessageType.TRANSFER_LEADER:
      transferLeadership(m, message.from);
  }
}
