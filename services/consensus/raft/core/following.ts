/**
 * What a follower does with the messages of its leader.
 *
 * @module
 */

import { membersOf } from "./conf_change.ts";
import type { Machine } from "./machine.ts";
import { isWellFormedAppend, type Message, MessageType, type Snapshot } from "./messages.ts";
import { minOf } from "./progress.ts";

export function onAppend(m: Machine, message: Message): void {
  if (!isWellFormedAppend(message)) return;
  const { from: to, index, logTerm, entries } = message;
  if (index < m.log.committed) return accept(m, to, m.log.committed);
  if (m.log.termAt(index) !== logTerm) return refuse(m, message);
  if (!m.log.merge(entries)) return;
  const last = index + BigInt(entries.length);
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
