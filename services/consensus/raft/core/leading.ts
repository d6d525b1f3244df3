/**
 * What a leader does: replicate its log, commit, keep its followers quiet, hand over.
 *
 * @module
 */

import { assert } from "../../../../shared/assert/mod.ts";
import { confStateOf } from "./conf_change.ts";
import type { Machine } from "./machine.ts";
import { type Entry, entryOf, EntryType, type Message, MessageType, NO_NODE } from "./messages.ts";
import { minOf, Progress } from "./progress.ts";
import { isQuorum, quorumIndex } from "./quorum.ts";

/** The winner of an election makes it known by an empty entry of its term. */
export function becomeLeader(m: Machine): void {
  m.reset(m.term);
  m.role = "leader";
  m.leader = m.id;
  m.patience.lead();
  for (const id of m.progress.keys()) m.progress.set(id, new Progress(m.log.lastIndex + 1n));
  m.progress.get(m.id)?.accepted(m.log.stable);
  appendEntry(m, entryOf(EntryType.ENTRY_NORMAL, new Uint8Array(0)));
  // an older conf change may be in the log: no other before everything till now is applied
  m.pendingConfIndex = m.log.lastIndex;
}

/** Gives an entry its place in the log and sends it to everyone. */
export function appendEntry(m: Machine, entry: Entry): void {
  m.log.append([{ ...entry, term: m.term, index: m.log.lastIndex + 1n }]);
  broadcastAppend(m);
}

/** The own log is on disk up to here: the own copy counts. */
export function onOwnPersisted(m: Machine): void {
  if (m.role !== "leader") return;
  m.progress.get(m.id)?.accepted(m.log.stable);
  commitAndTell(m);
}

/** Commits what a quorum has, if it is of the own term, and tells everyone. */
export function commitAndTell(m: Machine): boolean {
  const index = quorumIndex(m.deciders, (id) => m.progress.get(id)?.matched ?? 0n);
  if (m.log.termAt(index) !== m.term || !m.log.commitTo(index)) return false;
  m.patience.noteCommit(m.isFruitful);
  broadcastAppend(m);
  return true;
}

function broadcastAppend(m: Machine): void {
  for (const id of m.peers) sendAppend(m, id);
}

/** Sends whatever members do not have, and nothing to those who have all. */
export function sendMissing(m: Machine): void {
  for (const id of m.peers) sendAppend(m, id, { allowsEmpty: false });
}

export function broadcastHeartbeat(m: Machine): void {
  for (const id of m.peers) {
    const commit = minOf(m.progress.get(id)?.matched ?? 0n, m.log.committed);
    m.send({ msgType: MessageType.HEARTBEAT, to: id, commit });
  }
}

/** Steps down without a quorum that was heard of lately. */
export function checkQuorum(m: Machine): void {
  if (!isQuorum(m.deciders, (id) => m.isActive(id))) m.becomeFollower(m.term, NO_NODE);
}

export function onAppendResponse(m: Machine, message: Message): void {
  const { from, index } = message;
  const progress = m.progress.get(from);
  if (progress === undefined) return;
  progress.silentTicks = 0;
  if (message.reject) {
    if (progress.rejected(index, agreementHint(m, message))) sendAppend(m, from);
    return;
  }
  if (index > m.log.lastIndex) return;
  const wasPaused = progress.isPaused;
  if (!progress.accepted(index)) return;
  if (!commitAndTell(m) && wasPaused) sendAppend(m, from);
  while (sendAppend(m, from, { allowsEmpty: false }));
  if (from === m.transferee && progress.matched === m.log.lastIndex) sendTimeoutNow(m, from);
}

export function onHeartbeatResponse(m: Machine, { from }: Message): void {
  const progress = m.progress.get(from);
  if (progress === undefined) return;
  progress.silentTicks = 0;
  progress.resume();
  if (progress.matched < m.log.lastIndex) sendAppend(m, from);
}

/** Makes a member the next leader as soon as it has the whole log; false when it cannot be. */
export function transferLeadership(m: Machine, to: bigint): boolean {
  const progress = m.progress.get(to);
  const canVote = m.members.voters.has(to);
  if (m.role !== "leader" || progress === undefined || !canVote || to === m.id) return false;
  if (m.transferee === to) return true;
  m.transferee = to;
  // the time for it runs from now
  m.electionElapsed = 0;
  if (progress.matched === m.log.lastIndex) sendTimeoutNow(m, to);
  else sendAppend(m, to);
  return true;
}

/** A leader that is no voter any more leaves the chain to the active voter with most of the log. */
export function resign(m: Machine): void {
  const matched = (id: bigint) => m.progress.get(id)?.matched ?? 0n;
  const [first, ...others] = [...m.members.voters].filter((id) => m.isActive(id));
  if (first !== undefined) {
    sendTimeoutNow(m, others.reduce((a, b) => matched(b) > matched(a) ? b : a, first));
  }
  m.becomeFollower(m.term, NO_NODE);
}

function sendTimeoutNow(m: Machine, to: bigint): void {
  m.send({ msgType: MessageType.TIMEOUT_NOW, to });
}

/** Where the log of a peer that refused may agree, by what it tells of its own. */
function agreementHint(m: Machine, { rejectHint, logTerm }: Message): bigint {
  return logTerm === 0n ? rejectHint : m.log.lastAgreement(rejectHint, logTerm).index;
}

/** Sends a peer the entry that is next for it; true when there was something to send. */
function sendAppend(m: Machine, to: bigint, { allowsEmpty } = { allowsEmpty: true }): boolean {
  const progress = m.progress.get(to);
  assert(progress !== undefined, "Entries are sent to members only");
  if (progress.isPaused) return false;
  const index = progress.next - 1n;
  const logTerm = m.log.termAt(index);
  if (logTerm === null) return sendSnapshot(m, to, progress);
  const entries = m.log.slice(progress.next, progress.next);
  if (entries.length === 0 && !allowsEmpty) return false;
  const { committed: commit } = m.log;
  m.send({ msgType: MessageType.APPEND, to, index, logTerm, entries, commit });
  if (entries.length > 0) progress.sent(progress.next);
  return true;
}

function sendSnapshot(m: Machine, to: bigint, progress: Progress): boolean {
  if (!m.isActive(to)) return false;
  const { applied: index, data } = m;
  const term = m.log.termAt(index);
  assert(term !== null, "The last applied entry has a term");
  const snapshot = { data, metadata: { confState: confStateOf(m.members), index, term } };
  m.send({ msgType: MessageType.SNAPSHOT, to, snapshot });
  progress.becomeSnapshot(index);
  return true;
}
