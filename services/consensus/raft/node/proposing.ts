/**
 * The leader asks its controller for the next block and hands it to the group.
 *
 * @module
 */

import { Proposal } from "../../../../proto/gen/common.ts";
import { encode } from "../../../../shared/codec/mod.ts";
import { isJoint } from "../core/conf_change.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Input } from "./interface.ts";
import type { Machine } from "./machine.ts";
import { settledLeader, transferLeadership, wantedChange } from "./membership.ts";

/** Whoever does not lead any more has nothing to propose. */
export function followRule(m: Machine): boolean {
  if (m.leading !== null || (m.proposal === null && m.waitingSinceMs === null)) return false;
  m.proposal = null;
  m.waitingSinceMs = null;
  return true;
}

/** The leader counts from its question on: a controller that hangs does not even fail. */
export function waitRule(m: Machine): boolean {
  const isWaiting = m.isFetching || m.applying !== "idle";
  if (!isWaiting || m.leading === null || m.waitingSinceMs !== null) return false;
  m.waitingSinceMs = m.nowMs;
  return true;
}

/** Asks for a block when one is due and the group is done with all that came before. */
export function fetchRule(m: Machine): boolean {
  if (!m.isBlockDue || m.isFetching || m.proposal !== null || idleLeader(m) === null) return false;
  m.isFetching = true;
  m.emit({ kind: "getProposal" });
  m.restartInterval();
  return true;
}

export function onProposal(
  m: Machine,
  { proposal, reason }: Extract<Input, { kind: "proposal" }>,
): void {
  m.isFetching = false;
  if (m.leading === null) return;
  m.fetchFailure = reason;
  if (proposal === null) {
    return m.log("warn", `fetching proposal failed: ${reason}`);
  }
  const wanted = m.height + 1n;
  if (proposal.height !== wanted) {
    m.fetchFailure = `it is at height ${proposal.height - 1n}, the group at ${m.height}`;
    m.log("warn", `receive a proposal with invalid height, drop it: ${m.fetchFailure}`);
    // it may have got blocks of others
    return m.query();
  }
  m.log("info", `new proposal height ${proposal.height}`);
  m.proposal = proposal;
  m.waitingSinceMs = null;
}

/** Proposes the own block, or forgets it once the chain has a block of its height. */
export function proposeRule(m: Machine): boolean {
  const { proposal } = m;
  if (proposal === null) return false;
  if (proposal.height <= m.height) {
    m.proposal = null;
    return true;
  }
  if (idleLeader(m)?.propose(encode(Proposal, proposal)) !== true) return false;
  m.log("info", `pending proposal proposed height ${proposal.height}`);
  return true;
}

/**
 * A controller that is at work on a block may have so many times longer than one that fails: the
 * others have the same block to do, and may be no faster.
 */
const WORK_FACTOR = 4;

/** A leader that brings no block for too long makes another one the leader. */
export function handOverRule(m: Machine): boolean {
  const { leading, waitingSinceMs, nowMs, options } = m;
  if (leading === null || waitingSinceMs === null || isJoint(leading.view.members)) return false;
  const limitMs = options.transferMs * (m.applying === "called" ? WORK_FACTOR : 1);
  if (nowMs - waitingSinceMs < limitMs) return false;
  const { voters } = leading.view.members;
  if (!transferLeadership(m, leading, voters, "it brings no block")) return false;
  // whoever does not take over now may later, or another one
  m.waitingSinceMs = nowMs;
  return true;
}

/** The leader's raft, if it has nothing to do before the next block. */
function idleLeader(m: Machine): RaftCore | null {
  const core = settledLeader(m);
  return core === null || wantedChange(m, core) !== null ? null : core;
}
