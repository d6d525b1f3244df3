/**
 * What a follower does with the messages of its leader.
 *
 * @module
 */

import { membersOf } from "./conf_change.ts";
import type { Machine } from "./machine.ts";
import { isWellFormedAppend, type Message, MessageType, type Snapshot } from "./messages.ts";
import { maxOf, minOf } from "./progress.ts";

/**
 * Entries that may wait to be applied; a leader has to send further ones again, also those of one
 * message, of which an honest leader puts one into each. They hold whole blocks, and a group must
 * not run away from most of its controllers.
 */
const UNAPPLIED_MAX = 64n;

/** Answered even if none is taken: the leader learns how far this node is. */
export function onAppend(m: Machine, message: Message): void {
  if (!isWellFormedAppend(message)) return;
  const { from: to, index, logTerm, entries } = message;
  if (index < m.log.committed) return accept(m, to, m.log.committed);
  if (m.log.termAt(index) !== logTerm) {
    // entries of the leader that did not get here wait, too
    if (logTerm === m.term) m.knownIndex = maxOf(m.knownIndex, index);
    return refuse(m, message);
  }
  const taken = entries.slice(0, roomAfter(m, index));
  // more than this node can take is no fault of the leader
  if (taken.length < entries.length) m.patience.noteUse();
  if (!m.log.merge(taken)) return;
  const last = index + BigInt(taken.length);
  m.log.commitTo(minOf(message.commit, last));
  accept(m, to, last);
}

export function onHeartbeat(m: Machine, { from: to, commit, context }: Message): void {
  m.log.commitTo(commit);
  m.send({ msgType: MessageType.HEARTBEAT_RESPONSE, to, context, commit: m.log.committed });
}

export function onSnapshot(m: Machine, { from: to, snapshot }: Message): void {
  const index = snapshot !== undefined && restore(m, snapshot) ? m.log.lastIndex : m.log.committed;
  m.send({ msgType: MessageType.APPEND_RESPONSE, to, index });
}

/**
 * Number of entries that can be taken after an index. While nothing waits there is no end to them:
 * whatever a new leader has before its first entry must be taken before anything is committed.
 */
function roomAfter({ applied, log: { committed } }: Machine, index: bigint): number {
  const end = (committed === applied ? index : applied) + UNAPPLIED_MAX;
  return Number(maxOf(end - index, 0n));
}

function accept(m: Machine, to: bigint, index: bigint): void {
  m.send({ msgType: MessageType.APPEND_RESPONSE, to, index, commit: m.log.committed });
}

/** Tells the leader where to look next, so that it skips whole terms. */
function refuse(m: Machine, { from: to, index, logTerm }: Message): void {
  const hint = m.log.lastAgreement(index, logTerm);
  m.send({
    msgType: MessageType.APPEND_RESPONSE,
    to,
    reject: true,
    index,
    rejectHint: hint.index,
    logTerm: hint.term,
    commit: m.log.committed,
  });
}

/**
 * Starts anew after a snapshot; false when there is no need. It need not name this node: members
 * get the log before the change that makes them so is committed.
 */
function restore(m: Machine, snapshot: Snapshot): boolean {
  const { index = 0n, term = 0n, confState } = snapshot.metadata ?? {};
  if (index <= m.log.committed || confState === undefined) return false;
  if (m.log.termAt(index) === term) {
    m.log.commitTo(index);
    return false;
  }
  m.log.restart({ index, term });
  m.setMembers(membersOf(confState));
  m.applied = index;
  m.handedOut = index;
  m.data = snapshot.data;
  m.newSnapshot = snapshot;
  return true;
}
