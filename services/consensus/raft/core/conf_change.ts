/**
 * Changes of the members (spec/consensus.md, sections 10.4 and 11.5).
 *
 * @module
 */

import {
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  ConfChangeV2,
  ConfState,
} from "../../../../proto/gen/eraftpb.ts";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../../shared/codec/mod.ts";
import { NO_NODE } from "./messages.ts";

export { ConfChangeTransition, ConfChangeType, ConfChangeV2 };

/** The members of a group. */
export interface Members {
  readonly voters: ReadonlySet<bigint>;
  /** Voters of the configuration that is being left; empty unless it is joint. */
  readonly votersOutgoing: ReadonlySet<bigint>;
  readonly learners: ReadonlySet<bigint>;
  /** Voters that become learners when the joint configuration is left. */
  readonly learnersNext: ReadonlySet<bigint>;
  /** Whether the leader leaves the joint configuration by itself. */
  readonly autoLeave: boolean;
}

/** The configuration that leaves a joint one: its entry has no data. */
export const LEAVE_JOINT: ConfChangeV2 = ConfChangeV2.fromPartial({});

export function membersOf(state: ConfState): Members {
  return {
    voters: new Set(state.voters),
    votersOutgoing: new Set(state.votersOutgoing),
    learners: new Set(state.learners),
    learnersNext: new Set(state.learnersNext),
    autoLeave: state.autoLeave,
  };
}

export function confStateOf(members: Members): ConfState {
  return {
    voters: [...members.voters],
    learners: [...members.learners],
    votersOutgoing: [...members.votersOutgoing],
    learnersNext: [...members.learnersNext],
    autoLeave: members.autoLeave,
  };
}

/** Everyone who gets entries. */
export function allMembers({ voters, votersOutgoing, learners }: Members): Set<bigint> {
  return new Set([...voters, ...votersOutgoing, ...learners]);
}

export function isVoter({ voters, votersOutgoing }: Members, id: bigint): boolean {
  return voters.has(id) || votersOutgoing.has(id);
}

export function isJoint({ votersOutgoing }: Members): boolean {
  return votersOutgoing.size > 0;
}

/** Reads the data of an entry; null when it is none of ours. */
export function readConfChange(data: Bytes): ConfChangeV2 | null {
  return tryDecode(ConfChangeV2, data);
}

/** Whether a change is the one that leaves a joint configuration. */
export function isLeave({ transition, changes }: ConfChangeV2): boolean {
  return changes.length === 0 && transition === ConfChangeTransition.AUTO;
}

/** The members after a change; null when it does not fit the present ones. */
export function changeMembers(members: Members, change: ConfChangeV2): Members | null {
  if (isLeave(change)) return isJoint(members) ? leaveJoint(members) : null;
  if (isJoint(members)) return null;
  const { transition, changes } = change;
  const entersJoint = transition !== ConfChangeTransition.AUTO || changes.length > 1;
  const outgoing = entersJoint ? members.voters : new Set<bigint>();
  const autoLeave = entersJoint && transition !== ConfChangeTransition.EXPLICIT;
  const next = applyChanges({ ...members, votersOutgoing: outgoing, autoLeave }, changes);
  return next.voters.size === 0 ? null : next;
}

/** The change from the present voters to the wanted ones; null when there is none to make. */
export function differenceTo(members: Members, wanted: readonly bigint[]): ConfChangeV2 | null {
  const change = (changeType: ConfChangeType) => (nodeId: bigint) => ({ changeType, nodeId });
  const added = wanted.filter((id) => !members.voters.has(id));
  const removed = [...members.voters].filter((id) => !wanted.includes(id));
  if (added.length + removed.length === 0) return null;
  const changes = [
    ...added.map(change(ConfChangeType.ADD_NODE)),
    ...removed.map(change(ConfChangeType.REMOVE_NODE)),
  ];
  return ConfChangeV2.fromPartial({ changes });
}

function leaveJoint({ voters, learners, learnersNext }: Members): Members {
  return {
    voters,
    votersOutgoing: new Set(),
    learners: new Set([...learners, ...learnersNext]),
    learnersNext: new Set(),
    autoLeave: false,
  };
}

function applyChanges(members: Members, changes: readonly ConfChangeSingle[]): Members {
  const voters = new Set(members.voters);
  const learners = new Set(members.learners);
  const learnersNext = new Set(members.learnersNext);
  for (const { changeType, nodeId } of changes) {
    if (nodeId === NO_NODE) continue;
    voters.delete(nodeId);
    learners.delete(nodeId);
    learnersNext.delete(nodeId);
    if (changeType === ConfChangeType.ADD_NODE) voters.add(nodeId);
    if (changeType !== ConfChangeType.ADD_LEARNER_NODE) continue;
    // it still votes in the configuration that is being left
    if (members.votersOutgoing.has(nodeId)) learnersNext.add(nodeId);
    else learners.add(nodeId);
  }
  return { ...members, voters, learners, learnersNext };
}
