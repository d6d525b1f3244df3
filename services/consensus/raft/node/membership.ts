/**
 * The leader makes the members of the group those whom the chain's configuration names
 * (spec/consensus.md, section 11.5).
 *
 * @module
 */

import { ConfChangeType, ConfChangeV2, differenceTo } from "../core/conf_change.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Machine } from "./machine.ts";

/**
 * The leader's raft, if all of its log is applied and nothing else is under way: what is proposed
 * then builds on everything that the group has decided.
 */
export function settledLeader({ leading }: Machine): RaftCore | null {
  if (leading === null || !leading.canProposeConfChange) return null;
  const { applied, log } = leading.view;
  return applied === log.lastIndex ? leading : null;
}

/** The change that leads to the wanted voters; null when there is none to make. */
export function wantedChange(m: Machine, core: RaftCore): ConfChangeV2 | null {
  const { wanted } = m;
  return wanted.length === 0 ? null : differenceTo(core.view.members, wanted);
}

/**
 * Proposes the change before any other block. A leader that is to go first makes one that stays the
 * leader; when there is none, as if all validators are replaced, those that come are added before.
 */
export function changeMembersRule(m: Machine): boolean {
  const core = settledLeader(m);
  const change = core === null ? null : wantedChange(m, core);
  if (core === null || change === null) return false;
  const { wanted, ownId } = m;
  if (wanted.includes(ownId)) return propose(m, core, change);
  if (transferLeadership(m, core, new Set(wanted), "it is no validator any more")) return true;
  const changes = change.changes.filter(({ changeType }) => changeType === ConfChangeType.ADD_NODE);
  return changes.length > 0 && propose(m, core, ConfChangeV2.fromPartial({ changes }));
}

/** Hands over to one of some voters that have the whole log; false when there is none. */
export function transferLeadership(
  m: Machine,
  core: RaftCore,
  candidates: ReadonlySet<bigint>,
  reason: string,
): boolean {
  const able = [...core.view.members.voters].filter((id) =>
    id !== m.ownId && candidates.has(id) && hasAll(core, id)
  );
  const to = able[Math.floor(m.options.raft.random() * able.length)];
  if (to === undefined || !core.transferLeadership(to)) return false;
  m.log("info", `this leader hands over to ${m.nameOf(to)}: ${reason}`);
  return true;
}

function hasAll({ view }: RaftCore, id: bigint): boolean {
  return view.isActive(id) && view.progress.get(id)?.matched === view.log.lastIndex;
}

function propose(m: Machine, core: RaftCore, change: ConfChangeV2): boolean {
  if (!core.proposeConfChange(change)) return false;
  const signs = change.changes.map(({ changeType, nodeId }) =>
    `${changeType === ConfChangeType.ADD_NODE ? "+" : "-"}${m.nameOf(nodeId)}`
  );
  m.log("info", `the members change: ${signs.join(" ")}`);
  return true;
}
