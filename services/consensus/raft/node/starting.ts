/**
 * What a node starts from, and how it follows its controller (spec/consensus.md, sections 9.3 and
 * 11.6).
 *
 * @module
 */

import { ConsensusConfiguration } from "../../../../proto/gen/common.ts";
import { encode } from "../../../../shared/codec/mod.ts";
import { blankState, bootstrapState, type RaftState } from "../core/interface.ts";
import { RaftCore } from "../core/raft.ts";
import { Kind } from "../log/operation.ts";
import { compactOperations, configurationOf } from "../log/state.ts";
import type { Machine } from "./machine.ts";

/** The controller may not be there yet. */
const RETRY_MS = 3_000;

/** A node with a log goes on from it, without waiting for the controller. */
export function onStart(m: Machine, state: RaftState): void {
  m.configuration = configurationOf(state);
  m.quietSinceMs = m.nowMs;
  if (isBlank(state)) m.log("info", "waiting for `reconfigure` from controller..");
  else resume(m, state);
  m.query();
}

/** A group of one has nobody who could lead, and nobody whom an election would disturb. */
function resume(m: Machine, state: RaftState): void {
  m.core = new RaftCore(m.options.raft, state);
  const { voters, votersOutgoing } = m.core.view.members;
  if (voters.size === 1 && votersOutgoing.size === 0) m.core.campaign();
}

/** The controller told where it is, or did not. */
export function onAnswer(m: Machine, configuration: ConsensusConfiguration | null): void {
  m.isQuerying = false;
  if (configuration !== null) onConfiguration(m, configuration);
  if (!m.isConfigured) m.setTimer("configuration", RETRY_MS);
}

/** The controller has a block, or started. */
export function onConfiguration(m: Machine, configuration: ConsensusConfiguration): void {
  const isFirst = !m.isConfigured;
  m.isConfigured = true;
  const { height } = configuration;
  if (m.core === null) return enter(m, configuration, isFirst);
  if (height > m.height) return m.persist(m.advance(configuration));
  if (height < m.height) {
    const heights = `${height}, ours is ${m.height}`;
    return m.log("warn", `ignoring reconfigure request with lower height ${heights}`);
  }
  if (height > 0n) return;
  // before the first block it is what the chain is set up with, and may be corrected
  m.configuration = configuration;
  m.persist({ kind: Kind.Configuration, configuration });
}

/**
 * The first configuration that names this node makes it a member. Before the first block it founds
 * the group together with the others; later there is a group, which will tell it everything.
 */
function enter(m: Machine, configuration: ConsensusConfiguration, isFirst: boolean): void {
  m.configuration = configuration;
  m.quietSinceMs = m.nowMs;
  const { wanted, ownId, options } = m;
  if (!wanted.includes(ownId)) {
    if (isFirst) m.log("info", "incoming config doesn't contain this node, wait for next one");
    return;
  }
  const isFounder = configuration.height === 0n || options.refoundsGroup;
  if (!isFounder) {
    m.log("info", `height ${configuration.height}: waiting for the leader of the group`);
    m.persist({ kind: Kind.Configuration, configuration });
    m.core = new RaftCore(options.raft, blankState());
    return;
  }
  m.log("info", `height ${configuration.height}: this node founds the group with all validators`);
  const data = encode(ConsensusConfiguration, configuration);
  const state = { ...bootstrapState(wanted), data };
  m.persist(...compactOperations(state));
  m.core = new RaftCore(options.raft, state);
  if (wanted[0] === ownId) m.core.campaign();
}

function isBlank({ hardState, confState, start }: RaftState): boolean {
  return hardState.term === 0n && confState.voters.length === 0 && start.index === 0n;
}
