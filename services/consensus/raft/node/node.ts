import { ConsensusConfiguration } from "../../../../proto/gen/common.ts";
import { unreachable } from "../../../../shared/assert/mod.ts";
import { tryDecode } from "../../../../shared/codec/mod.ts";
import { applyRules, type Rule } from "../../rules.ts";
import type { Ready } from "../core/interface.ts";
import { type Message, MessageType } from "../core/messages.ts";
import type { RaftView } from "../core/raft.ts";
import { Kind, type Operation } from "../log/operation.ts";
import { applyRule, enqueue, onChecked, onCommitted } from "./applying.ts";
import { explainQuiet } from "./diagnosis.ts";
import type { Effect, Input, NodeOptions, TimerName } from "./interface.ts";
import { Machine } from "./machine.ts";
import { changeMembersRule } from "./membership.ts";
import {
  fetchRule,
  followRule,
  handOverRule,
  onProposal,
  proposeRule,
  waitRule,
} from "./proposing.ts";
import { onAnswer, onConfiguration, onStart } from "./starting.ts";

/** What can happen by itself after an input, in this order. */
const RULES: readonly Rule<Machine>[] = [
  readyRule,
  applyRule,
  followRule,
  waitRule,
  handOverRule,
  changeMembersRule,
  proposeRule,
  fetchRule,
];

/**
 * The state machine of one node: raft, and how its log becomes a chain (spec/consensus.md, section
 * 11, with every FIX). It does nothing itself: an input gives effects, which its driver carries out
 * in their order.
 */
export class RaftNode {
  readonly #machine: Machine;

  constructor(options: NodeOptions) {
    this.#machine = new Machine(options);
  }

  /** The raft of this node; null until it is a member of a group, or was one. */
  get raft(): RaftView | null {
    return this.#machine.core?.view ?? null;
  }

  /** The last height that the controller has, as far as this node knows. */
  get height(): bigint {
    return this.#machine.height;
  }

  /** Takes one input at a monotonic time and returns what is to be done. */
  step(input: Input, nowMs: number): readonly Effect[] {
    const m = this.#machine;
    m.nowMs = nowMs;
    m.effects = [];
    take(m, input);
    applyRules(RULES, m);
    return m.effects;
  }
}

function take(m: Machine, input: Input): void {
  switch (input.kind) {
    case "start":
      m.setTimer("tick", m.options.tickMs);
      return onStart(m, input.state);
    case "reconfigure":
      return onConfiguration(m, input.configuration);
    case "configuration":
      return onAnswer(m, input.configuration);
    case "message":
      return receive(m, input.message);
    case "timer":
      return onTimer(m, input.name);
    case "proposal":
      return onProposal(m, input);
    case "checked":
      return onChecked(m, input);
    case "committed":
      return onCommitted(m, input);
    default:
      return unreachable(input);
  }
}

function onTimer(m: Machine, name: TimerName): void {
  switch (name) {
    case "tick":
      m.setTimer("tick", m.options.tickMs);
      m.core?.tick();
      return explainQuiet(m);
    case "block":
      m.isBlockDue = true;
      return;
    case "apply":
      if (m.applying === "waiting") m.applying = "idle";
      return;
    case "configuration":
      return m.query();
    default:
      return unreachable(name);
  }
}

/** A message of another node; until this one knows what it starts from there is nothing to say. */
function receive(m: Machine, message: Message): void {
  const { core } = m;
  if (core === null) return;
  const { msgType, snapshot, from } = message;
  if (msgType === MessageType.SNAPSHOT && !isReadable(snapshot?.data)) {
    return warnOfDrop(m, `a snapshot of ${m.nameOf(from)}: its configuration is malformed`);
  }
  if (core.step(message)) return;
  warnOfDrop(m, `a raft message of ${m.nameOf(from)}: no group comes to its numbers`);
}

/** Messages of others may be many: there is one line in an election time about those dropped. */
function warnOfDrop(m: Machine, what: string): void {
  const { raft, tickMs } = m.options;
  if (m.nowMs < m.warnedAtMs + raft.electionTicks * tickMs) return;
  m.warnedAtMs = m.nowMs;
  m.log("warn", `drop ${what}`);
}

function isReadable(data: Uint8Array | undefined): boolean {
  return data !== undefined && tryDecode(ConsensusConfiguration, data) !== null;
}

/**
 * Carries out the work of raft. It counts as stored at once: whatever follows from that is an effect
 * after the record of it.
 */
function readyRule(m: Machine): boolean {
  const { core } = m;
  const ready = core?.ready() ?? null;
  if (core === null || ready === null) return false;
  send(m, ready.messages);
  const operations = [...snapshotRecords(m, ready), ...records(ready)];
  if (operations.length > 0) m.persist(...operations);
  send(m, ready.persistedMessages);
  enqueue(m, ready.committedEntries);
  core.advance();
  return true;
}

function send(m: Machine, messages: readonly Message[]): void {
  for (const message of messages) m.emit({ kind: "send", message });
}

/** With a snapshot comes the configuration of its height; one of a later height stays. */
function snapshotRecords(m: Machine, { snapshot }: Ready): Operation[] {
  if (snapshot === null) return [];
  m.log("info", `the group's state at index ${snapshot.metadata?.index} replaces the own log`);
  const configuration = ConsensusConfiguration.decode(snapshot.data);
  const operation = configuration.height > m.height
    ? m.advance(configuration)
    : { kind: Kind.Configuration, configuration: m.configuration };
  return [{ kind: Kind.Snapshot, snapshot }, operation];
}

function records({ entries, hardState }: Ready): Operation[] {
  return [
    ...entries.length === 0 ? [] : [{ kind: Kind.Append, entries }],
    ...hardState === null ? [] : [{ kind: Kind.HardState, hardState }],
  ];
}
