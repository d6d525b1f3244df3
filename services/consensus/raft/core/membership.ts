/**
 * How the members of a running group change.
 *
 * @module
 */

import { encode } from "../../../../shared/codec/mod.ts";
import {
  changeMembers,
  ConfChangeV2,
  isJoint,
  isLeave,
  LEAVE_JOINT,
  type Members,
  readConfChange,
} from "./conf_change.ts";
import { appendEntry, commitAndTell, resign, sendMissing } from "./leading.ts";
import type { Machine } from "./machine.ts";
import { type Entry, entryOf, EntryType, isConfChange, NO_NODE } from "./messages.ts";

/** Whether the leader can take a conf change: one at a time, and none while joint. */
export function canProposeConfChange(m: Machine): boolean {
  return m.role === "leader" && m.transferee === NO_NODE && m.pendingConfIndex <= m.applied &&
    !isJoint(m.members);
}

/** Proposes a change; false when it cannot be taken now, or not at all. */
export function proposeConfChange(m: Machine, change: ConfChangeV2): boolean {
  if (!canProposeConfChange(m) || changeMembers(m.members, change) === null) return false;
  appendConfChange(m, change);
  return true;
}

/** Members once everything in the log is applied, be it committed or not. */
export function membersByLog({ log, applied, members }: Machine): Members {
  return log.slice(applied + 1n, log.lastIndex).filter(isConfChange).reduce(membersAfter, members);
}

/** The own log is applied as far as it went when this leader was elected. */
export function endElectionRule(m: Machine): void {
  if (m.role === "leader" && m.electorate !== null && m.pendingConfIndex <= m.applied) {
    m.setElectorate(null);
  }
}

/** A change was committed and reached: from here on others decide. */
export function applyConfChange(m: Machine, entry: Entry): void {
  m.setMembers(membersAfter(m.members, entry));
  if (m.role !== "leader") return;
  if (!m.isVoter) return resign(m);
  if (!m.members.voters.has(m.transferee)) m.transferee = NO_NODE;
  // fewer voters may need fewer copies
  if (!commitAndTell(m)) sendMissing(m);
}

/** What does not fit the members is skipped, by every node alike. */
function membersAfter(members: Members, { data }: Entry): Members {
  const change = readConfChange(data);
  return change === null ? members : changeMembers(members, change) ?? members;
}

/** The leader leaves a joint configuration once it is reached, one entry for it at a time. */
export function leaveJointRule(m: Machine): void {
  if (m.role !== "leader" || !m.members.autoLeave || m.pendingConfIndex > m.applied) return;
  appendConfChange(m, LEAVE_JOINT);
}

/** The entry that leaves a joint configuration has no data at all. */
function appendConfChange(m: Machine, change: ConfChangeV2): void {
  const data = isLeave(change) ? new Uint8Array(0) : encode(ConfChangeV2, change);
  m.pendingConfIndex = m.log.lastIndex + 1n;
  appendEntry(m, entryOf(EntryType.ENTRY_CONF_CHANGE_V2, data));
}
