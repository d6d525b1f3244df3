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
  readConfChange,
} from "./conf_change.ts";
import { appendEntry, commitAndTell, resign, sendMissing } from "./leading.ts";
import type { Machine } from "./machine.ts";
import { type Entry, entryOf, EntryType, NO_NODE } from "./messages.ts";

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

/** A change was committed and reached: from here on others decide. */
export function applyConfChange(m: Machine, { data }: Entry): void {
  const change = readConfChange(data);
  const members = change === null ? null : changeMembers(m.members, change);
  // what does not fit is skipped, by every node alike
  if (members === null) return;
  m.setMembers(members);
  if (m.role !== "leader") return;
  if (!m.isVoter) return resign(m);
  if (!m.members.voters.has(m.transferee)) m.transferee = NO_NODE;
  // fewer voters may need fewer copies
  if (!commitAndTell(m)) sendMissing(m);
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
