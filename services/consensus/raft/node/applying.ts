/**
 * Committed entries become blocks of the controller, one after the other. What the group committed
 * is decided: an entry is done only when the controller has its block, be it by this commit or, as
 * a later configuration tells, by its own sync. Were one skipped, the next block at that height
 * would be another one on this node than on those that did not skip.
 *
 * @module
 */

import { ConsensusConfiguration, Proposal } from "../../../../proto/gen/common.ts";
import { encode, tryDecode } from "../../../../shared/codec/mod.ts";
import { codeOf, StatusCode, statusName } from "../../../../shared/status/mod.ts";
import { type Entry, EntryType, isConfChange } from "../core/messages.ts";
import type { RaftCore } from "../core/raft.ts";
import { Kind, type Operation } from "../log/operation.ts";
import { APPLIED_KEPT } from "../log/state.ts";
import type { Input } from "./interface.ts";
import type { CommittedEntry, Machine } from "./machine.ts";

/** The controller may have to fetch blocks of others first. */
const RETRY_MS = 1_000;

/** Queues entries that raft has committed. */
export function enqueue(m: Machine, entries: readonly Entry[]): void {
  for (const entry of entries) m.queue.push({ entry, proposal: blockIn(m, entry) });
}

/** Does what is next in the queue, unless the controller is at work. */
export function applyRule(m: Machine): boolean {
  const [first] = m.queue;
  if (m.core === null || first === undefined || m.applying === "called") return false;
  const { entry, proposal } = first;
  if (entry.index <= m.core.view.applied) {
    // a snapshot overtook it
    shift(m);
  } else if (proposal === null || proposal.height <= m.height) {
    finish(m, m.core, first);
  } else if (m.applying === "idle") {
    m.log("info", `checking proposal.. height ${proposal.height}`);
    call(m, { kind: "checkProposal", proposal });
  } else return false;
  return true;
}

/** The verdict of the controller; a block that it has already is asked for its configuration. */
export function onChecked(m: Machine, { code }: Extract<Input, { kind: "checked" }>): void {
  m.applying = "idle";
  const proposal = undone(m);
  if (proposal === null) return;
  if (code === StatusCode.Success || code === StatusCode.ProposalTooLow) {
    return call(m, { kind: "commit", proposal });
  }
  const reason = code === null ? "it does not answer" : statusName(codeOf({ code }));
  fail(m, proposal, `check proposal failed: ${reason}`);
}

/** The controller has the block, or not. */
export function onCommitted(
  m: Machine,
  { configuration, reason }: Extract<Input, { kind: "committed" }>,
): void {
  m.applying = "idle";
  const [first] = m.queue;
  const proposal = undone(m);
  if (m.core === null || first === undefined || proposal === null) return;
  if (configuration === null) return fail(m, proposal, `commit block failed: ${reason}`);
  const { height } = proposal;
  m.log("info", `block committed height ${height}`);
  finish(m, m.core, first, [m.advance({ ...configuration, height })]);
}

/** The block at the head of the queue, unless it is overtaken. */
function undone({ queue, core, height }: Machine): Proposal | null {
  const [first] = queue;
  if (first === undefined || first.entry.index <= (core?.view.applied ?? 0n)) return null;
  return first.proposal !== null && first.proposal.height > height ? first.proposal : null;
}

function call(
  m: Machine,
  effect: { readonly kind: "checkProposal" | "commit"; readonly proposal: Proposal },
): void {
  m.applying = "called";
  m.emit(effect);
}

function fail(m: Machine, { height }: Proposal, reason: string): void {
  if (m.applyFailure !== reason) m.log("warn", `block ${height}: ${reason}`);
  m.applyFailure = reason;
  m.applying = "waiting";
  m.setTimer("apply", RETRY_MS);
}

/** All that changes with an entry is recorded together, the index last: it says that it is so. */
function finish(
  m: Machine,
  core: RaftCore,
  { entry }: CommittedEntry,
  operations: readonly Operation[] = [],
): void {
  shift(m);
  core.applied(entry, encode(ConsensusConfiguration, m.configuration));
  const members: Operation[] = isConfChange(entry)
    ? [{ kind: Kind.ConfState, confState: core.confState }]
    : [];
  m.persist(...operations, ...members, { kind: Kind.Applied, index: entry.index });
  m.emit({ kind: "compact" });
  core.compact(entry.index - APPLIED_KEPT);
}

function shift(m: Machine): void {
  m.queue.shift();
  m.applying = "idle";
  m.applyFailure = "";
}

function blockIn(m: Machine, { entryType, data, index }: Entry): Proposal | null {
  if (entryType !== EntryType.ENTRY_NORMAL || data.length === 0) return null;
  const proposal = tryDecode(Proposal, data);
  if (proposal === null) m.log("warn", `entry ${index} is skipped: it holds no proposal`);
  return proposal;
}
