import assert from "node:assert/strict";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../../../shared/clock/mod.ts";
import { blankState, type RaftState } from "../core/interface.ts";
import { type Message, MessageType } from "../core/messages.ts";
import { Kind, type Operation } from "../log/operation.ts";
import { applyOperations } from "../log/state.ts";
import type { Effect, Input, NodeOptions, TimerName } from "../node/interface.ts";
import { RaftNode } from "../node/node.ts";
import { peerIdOf } from "../peer_id.ts";
import { ModelController, type ValidatorPlan } from "./model_controller.ts";

const TICK_MS = 100;
const LATENCY_MS = 5;
const SYNC_MS = 3_000;

/** Address of the node of a number. */
export function addressOf(number: number): Bytes {
  return new Uint8Array(20).fill(number + 1);
}

export function idOf(number: number): bigint {
  return peerIdOf(addressOf(number));
}

/** Validators as a chain names them. */
export function validatorsOf(...numbers: readonly number[]): Bytes[] {
  return numbers.map(addressOf);
}

/** Options of a node in a hurry. */
export function nodeOptions(number: number, random: Random): NodeOptions {
  return {
    raft: {
      id: idOf(number),
      heartbeatTicks: 2,
      electionTicks: 10,
      checksQuorum: false,
      asksBeforeElection: true,
      random,
    },
    tickMs: TICK_MS,
    transferMs: 5_000,
    refoundsGroup: false,
  };
}

/** One node: its state machine, what is on its disk, and its controller, which outlives it. */
export class NodeRunner {
  options: NodeOptions;
  readonly controller: ModelController;
  readonly lines: string[] = [];
  disk: RaftState = blankState();
  node: RaftNode | null = null;
  /** Makes every life of the node make a mistake. */
  spoil: (node: RaftNode) => void = () => {};
  /** Kind of the controller's answers that never come. */
  hangsIn: Input["kind"] | null = null;
  /** Time that the controller takes for an answer. */
  answerMs = LATENCY_MS;
  /** Effects, and records of a write, until the process is gone. */
  stepsLeft = Infinity;
  steps = 0;
  /** Tells the timers and answers of one life from those of the next. */
  #life = 0;
  readonly #timers = new Map<TimerName, number>();
  /** Whom it voted for by term. */
  readonly #votes = new Map<bigint, bigint>();

  constructor(
    readonly group: NodeGroup,
    readonly number: number,
    overrides: Partial<NodeOptions>,
  ) {
    this.controller = new ModelController(number, group.plan);
    this.options = { ...nodeOptions(number, seededRandom(number)), ...overrides };
  }

  get isLeader(): boolean {
    return this.node?.raft?.role === "leader";
  }

  start(): void {
    this.stepsLeft = Infinity;
    this.node = new RaftNode(this.options);
    this.spoil(this.node);
    this.feed({ kind: "start", state: this.disk });
  }

  crash(): void {
    this.#life++;
    this.#timers.clear();
    this.node = null;
  }

  reconfigure(): void {
    this.feed({ kind: "reconfigure", configuration: this.controller.configuration() });
  }

  feed(input: Input): void {
    const effects = this.node?.step(input, this.group.nowMs) ?? [];
    for (const effect of effects) {
      if (this.node === null || !this.#perform(effect)) return;
    }
  }

  /** False when the process is gone. */
  #perform(effect: Effect): boolean {
    if (effect.kind === "persist") return this.#persistAll(effect.operations);
    if (!this.#step()) return false;
    this.#act(effect);
    return true;
  }

  /** An index that is recorded as applied promises that all it changed is there. */
  #persistAll(operations: readonly Operation[]): boolean {
    const place = operations.findIndex(({ kind }) => kind === Kind.Applied);
    assert(place === -1 || place === operations.length - 1, "the applied index is recorded last");
    return operations.every((operation) => this.#persist(operation));
  }

  #persist(operation: Operation): boolean {
    if (!this.#step()) return false;
    this.disk = applyOperations(this.disk, [operation]);
    return true;
  }

  #step(): boolean {
    if (this.stepsLeft === 0) {
      this.crash();
      return false;
    }
    this.stepsLeft--;
    this.steps++;
    return true;
  }

  #act(effect: Exclude<Effect, { kind: "persist" }>): void {
    const { controller } = this;
    switch (effect.kind) {
      case "compact":
        return;
      case "send":
        this.#noteVote(effect.message);
        return this.group.send(effect.message);
      case "queryConfiguration": {
        const configuration = controller.outage === undefined ? controller.configuration() : null;
        return this.#later({ kind: "configuration", configuration });
      }
      case "getProposal": {
        const proposal = controller.propose();
        return this.#later({ kind: "proposal", proposal, reason: proposal ? "" : "NoCandidate" });
      }
      case "checkProposal":
        return this.#later({ kind: "checked", code: controller.check(effect.proposal) });
      case "commit": {
        const configuration = controller.commit(effect.proposal);
        return this.#later({ kind: "committed", configuration, reason: "refused" });
      }
      case "setTimer":
        return this.#setTimer(effect.name, effect.delayMs);
      case "log":
        this.lines.push(effect.text);
    }
  }

  #later(input: Input): void {
    const life = this.#life;
    if (input.kind === this.hangsIn) return;
    this.group.schedule(this.answerMs, () => {
      if (life === this.#life) this.feed(input);
    });
  }

  #setTimer(name: TimerName, delayMs: number): void {
    const order = this.group.schedule(delayMs, () => {
      if (this.#timers.get(name) === order) this.feed({ kind: "timer", name });
    });
    this.#timers.set(name, order);
  }

  #noteVote({ msgType, to, term, reject }: Message): void {
    if (msgType !== MessageType.REQUEST_VOTE_RESPONSE || reject) return;
    const earlier = this.#votes.get(term) ?? to;
    assert.equal(to, earlier, `node ${this.number} votes twice in term ${term}`);
    this.#votes.set(term, to);
    assert.equal(this.disk.hardState.vote, to, "a vote is on disk before it leaves");
  }
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Nodes on a virtual clock; after every event their controllers must agree. */
export class NodeGroup {
  nowMs = 0;
  readonly runners: NodeRunner[];
  /** Loses what it does not accept. */
  accepts: (message: Message) => boolean = () => true;
  latencyMs: (message: Message) => number = () => LATENCY_MS;
  /** Those that come first are in front. */
  readonly #events: Event[] = [];
  #count = 0;

  constructor(
    count: number,
    readonly plan: ValidatorPlan,
    overrides: Partial<NodeOptions> = {},
  ) {
    this.runners = Array.from(
      { length: count },
      (_, number) => new NodeRunner(this, number, overrides),
    );
  }

  /** Nodes that start at once. */
  static started(count: number, plan: ValidatorPlan, overrides: Partial<NodeOptions> = {}) {
    const group = new NodeGroup(count, plan, overrides);
    for (const runner of group.runners) runner.start();
    return group;
  }

  at(number: number): NodeRunner {
    const runner = this.runners[number];
    assert(runner !== undefined, `there is no node ${number}`);
    return runner;
  }

  /** The node that leads in the highest term. */
  get leader(): NodeRunner | undefined {
    const termOf = ({ node }: NodeRunner) => node?.raft?.term ?? 0n;
    return this.runners.filter(({ isLeader }) => isLeader)
      .sort((left, right) => termOf(left) > termOf(right) ? -1 : 1)[0];
  }

  /** That of the longest chain. */
  get height(): number {
    return Math.max(...this.runners.map(({ controller }) => controller.blocks.length));
  }

  schedule(delayMs: number, run: () => void): number {
    const [atMs, order] = [this.nowMs + delayMs, this.#count++];
    const place = this.#events.findLastIndex((event) => event.atMs <= atMs) + 1;
    this.#events.splice(place, 0, { atMs, order, run });
    return order;
  }

  send(message: Message): void {
    const target = this.runners.find(({ number }) => idOf(number) === message.to);
    this.schedule(this.latencyMs(message), () => {
      if (this.accepts(message)) target?.feed({ kind: "message", message });
    });
  }

  /** From now on controllers that are up get each other's blocks, and tell their nodes. */
  syncControllers(): void {
    const longest = this.runners.map(({ controller }) => controller)
      .reduce((left, right) => left.height > right.height ? left : right);
    for (const runner of this.runners) {
      const { controller } = runner;
      if (controller.outage !== undefined || controller.height === longest.height) continue;
      controller.sync(longest);
      runner.reconfigure();
    }
    this.schedule(SYNC_MS, () => this.syncControllers());
  }

  /** Lets time pass until a condition holds, which must be so within a time. */
  until(holds: () => boolean, what: string, timeoutMs = 300_000): void {
    const endMs = this.nowMs + timeoutMs;
    while (!holds()) {
      const lines = this.runners.map(({ number, lines }) => `${number}: ${lines.slice(-5)}`);
      assert(this.#runNext(endMs), `waited in vain for ${what}\n${lines.join("\n")}`);
    }
  }

  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    while (this.#runNext(endMs));
    this.nowMs = endMs;
  }

  /** Waits until the controllers of some nodes have a block. */
  untilHeight(height: number, numbers: readonly number[]): void {
    const hasBlock = (number: number) => this.at(number).controller.blocks.length >= height;
    this.until(() => numbers.every(hasBlock), `height ${height}`);
  }

  #runNext(endMs: number): boolean {
    const [next] = this.#events;
    if (next === undefined || next.atMs > endMs) return false;
    this.#events.shift();
    this.nowMs = next.atMs;
    next.run();
    this.#checkAgreement();
    return true;
  }

  #checkAgreement(): void {
    const chains = this.runners.map(({ controller }) => controller.blocks);
    const longest = chains.reduce((left, right) => left.length > right.length ? left : right);
    for (const chain of chains) {
      const last = chain.length - 1;
      assert.equal(chain[last], longest[last], `the chains differ at height ${chain.length}`);
    }
  }
}
