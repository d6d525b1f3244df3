/**
 * Who the validators are and how fast they go (spec/consensus.md, section 4.9).
 *
 * @module
 */

import { toHex } from "../../../../shared/bytes/mod.ts";
import { NUMBER_END } from "../../numbers.ts";
import type { Configuration, Input } from "./interface.ts";
import type { Machine } from "./machine.ts";
import { Step } from "./messages.ts";
import { proposalId } from "./proposing.ts";
import { resume } from "./recovery.ts";
import { enterHeight, waitForNextHeight } from "./rounds.ts";
import { type Authorities, withValidators } from "./validators.ts";

const ADDRESS_SIZE = 20;

/** Takes over interval and validators; they are valid from the height after the named one. */
function applyConfiguration(m: Machine, configuration: Configuration): void {
  m.timing = m.timing.withIntervalSeconds(configuration.blockIntervalSeconds);
  const bad = configuration.validators.find((address) => address.length !== ADDRESS_SIZE);
  if (bad !== undefined) {
    const got = `got "0x${toHex(bad)}"`;
    return m.log("error", `Cannot use the validators: each must be ${ADDRESS_SIZE} bytes, ${got}`);
  }
  const validators = configuration.validators.map(toHex);
  const authorities = withValidators(m.authorities, { height: configuration.height, validators });
  if (authorities === m.authorities) return;
  m.authorities = authorities;
  // what was kept was judged by the list before; own votes bind all the same
  m.polka = null;
  if (m.lock !== null) m.lock = { ...m.lock, votesBySender: [] };
  m.proposals.clearRecorded();
  m.votes.clear();
  m.newViews.clear();
  m.early.clear();
  m.emit({ kind: "saveAuthorities", authorities });
}

/** The controller's order: it is at this height, whatever this node thought. */
export function onReconfigure(m: Machine, configuration: Configuration): void {
  const { height } = configuration;
  m.log("info", `recv to BftSvrMsg::Conf height: ${height}`);
  if (!isPlausible(m, configuration)) return;
  m.rollback = null;
  const next = height + 1n;
  if (next < (m.isRunning ? m.workingHeight : m.start?.height ?? 0n)) {
    // an order may come late: what was voted since must not be forgotten for it
    m.rollback = { configuration, queryId: m.askConfiguration() };
    return;
  }
  if (!m.isRunning) return start(m, configuration);
  applyConfiguration(m, configuration);
  // the height goes on as it is: starting it again would mean voting twice (section 4.9, FIX)
  if (next !== m.workingHeight) enterHeight(m, next);
}

function isPlausible(m: Machine, { height }: Configuration): boolean {
  if (height < NUMBER_END) return true;
  m.log("error", `Cannot follow the controller: its height must be below 2^63, got ${height}`);
  return false;
}

function start(m: Machine, configuration: Configuration): void {
  m.rollback = null;
  applyConfiguration(m, configuration);
  m.isRunning = true;
  resume(m, configuration.height + 1n);
}

/** An answer about the controller's state: news when this node is behind or to go back. */
export function onConfiguration(
  m: Machine,
  { id, configuration }: Extract<Input, { kind: "configuration" }>,
): void {
  if (configuration === null || !isPlausible(m, configuration)) {
    if (m.isRunning && m.rollback === null) return;
    return m.retryLater("configuration", m.timing.options.serverRetryMs);
  }
  if (!m.isRunning) return start(m, configuration);
  const order = m.rollback?.queryId === id ? m.rollback : null;
  if (order !== null) m.rollback = null;
  const next = configuration.height + 1n;
  if (next < m.workingHeight && order !== null) return rollBack(m, order.configuration);
  if (next <= m.workingHeight) return;
  m.rollback = null;
  applyConfiguration(m, configuration);
  enterHeight(m, next);
}

/** Asks again what was not answered: where to begin, or whether to go back. */
export function onConfigurationRetry(m: Machine): void {
  if (m.isRunning && m.rollback === null) return;
  const queryId = m.askConfiguration();
  if (m.rollback !== null) m.rollback = { ...m.rollback, queryId };
}

function rollBack(m: Machine, configuration: Configuration): void {
  const { height } = configuration;
  m.log("warn", `the chain was rolled back to ${height}: forget what was voted above`);
  m.emit({ kind: "eraseLog" });
  forgetAbove(m);
  applyConfiguration(m, configuration);
  enterHeight(m, height + 1n);
}

/**
 * Whose proofs hold at a height. While an order to go back waits, the controller fetches blocks that
 * are above it, and cannot confirm the order before it has them all.
 */
export function judgesFor(m: Machine, height: bigint): Authorities {
  const order = m.rollback?.configuration;
  if (order === undefined || height <= order.height) return m.authorities;
  return withValidators(m.authorities, {
    height: order.height,
    validators: order.validators.map(toHex),
  });
}

function forgetAbove(m: Machine): void {
  m.proposals.clear();
  m.votes.clear();
  m.newViews.clear();
  m.early.clear();
  m.lastDecision = null;
  m.start = null;
  m.hintedHeight = 0n;
}

/** The controller's answer to a commit: with it the next height's configuration. */
export function onCommitted(m: Machine, input: Extract<Input, { kind: "committed" }>): void {
  const { height, configuration, reason } = input;
  if (height !== m.height || m.step !== Step.Commit || m.isInquiring) return;
  if (configuration === null) {
    m.log("warn", `the controller did not commit height ${height}: ${reason}`);
    return m.retryLater("commit", m.timing.options.serverRetryMs);
  }
  m.log("info", `recv from control, CommitBlockRes(${configuration.height})`);
  if (m.certificate !== null) m.lastDecision = { height, bytes: m.certificate.bytes };
  // a controller that takes a block is past any order to go back that waits
  m.rollback = null;
  m.log(
    "info",
    `now ${Math.round(m.nowMs)} start time ${Math.round(m.heightStartedAtMs)} interval ` +
      `${m.timing.intervalMs} commit height ${height}`,
  );
  const elapsedMs = m.nowMs - m.heightStartedAtMs;
  waitForNextHeight(m, m.timing.commitWaitMs(elapsedMs - lateStartMs(m)));
  applyConfiguration(m, configuration);
}

/**
 * How much later than usual the next height begins. A 6.3.3 node gives no vote in a round whose
 * proposal came before it began the height, and it begins at the same place of the interval for
 * ever: whoever begins too early for others has to move towards them. Leaders that are down delay
 * nobody, since the round has no proposal then.
 */
function lateStartMs(m: Machine): number {
  const first = { height: m.height, round: 0n };
  const wasProposed = m.proposals.at(first) !== null || m.proposalPledges.has(proposalId(first));
  const hasFailed = m.certificate !== null && m.certificate.round > 0n;
  return wasProposed && hasFailed ? m.timing.shiftMs() : 0;
}
