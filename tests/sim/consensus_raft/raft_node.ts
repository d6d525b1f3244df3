import type {
  RaftOptions,
  RaftState,
  Ready,
} from "../../../services/consensus/raft/core/interface.ts";
import {
  type Entry,
  isConfChange,
  type Message,
} from "../../../services/consensus/raft/core/messages.ts";
import { RaftCore } from "../../../services/consensus/raft/core/raft.ts";
import { Kind, type Operation } from "../../../services/consensus/raft/log/operation.ts";
import { ConsensusConfiguration } from "../../../proto/gen/common.ts";
import { decode } from "../../../shared/codec/mod.ts";
import type { World } from "../world.ts";
import { Application, decodeState, encodeState } from "./application.ts";
import { RaftDisk } from "./raft_disk.ts";
import type { RaftInvariants } from "./raft_invariants.ts";

/** What a node's surroundings do to it. */
export interface RaftNodeFaults {
  /** Probability of a crash wherever something is stored, sent or applied. */
  readonly crashRate: number;
  /** Probability that the application cannot apply an entry now. */
  readonly applyFailureRate: number;
  readonly diskMsMax: number;
  readonly applyMsMax: number;
  /** Time of a tick by the node's clock. */
  readonly tickMs: number;
}

/** Nothing goes wrong. */
export const NO_FAULTS: RaftNodeFaults = {
  crashRate: 0,
  applyFailureRate: 0,
  diskMsMax: 20,
  applyMsMax: 20,
  tickMs: 200,
};

/** How long a node waits before it applies an entry again. */
const APPLY_RETRY_MS = 300;

/** Probability that what is applied is written down, that it is synced, and that the log is cut. */
const WRITE_APPLIED_RATE = 0.5;
const SYNC_RATE = 0.5;
const COMPACT_RATE = 0.1;

/** Applied entries that a core keeps at most for followers that lag. */
const KEPT_MAX = 10;

export interface RaftNodeOptions {
  readonly world: World;
  readonly core: RaftOptions;
  readonly state: RaftState;
  readonly invariants: RaftInvariants;
  readonly send: (message: Message) => void;
  readonly crashed: (node: RaftNode) => void;
}

/**
 * One node of a simulated group: a core, a disk and an application. Storing and applying take time,
 * and a crash at any instant loses what is under way.
 */
export class RaftNode {
  core: RaftCore | null = null;
  faults: RaftNodeFaults = NO_FAULTS;
  readonly disk: RaftDisk;
  readonly application: Application;
  /** Changes a core before its first input; for mistakes that are planted. */
  spoil: (core: RaftCore) => void = () => {};
  /** Tells the work of one life from that of the next. */
  #life = 0;
  #isStoring = false;
  /** Committed entries that the application has yet to get. */
  #toApply: Entry[] = [];
  #isApplying = false;
  /** What happened while the process stood still; null while it runs. */
  #backlog: (() => void)[] | null = null;

  constructor(readonly options: RaftNodeOptions) {
    this.disk = new RaftDisk(options.state);
    this.application = new Application(decodeState(options.state.data));
  }

  get id(): bigint {
    return this.options.core.id;
  }

  get isLeader(): boolean {
    return this.core?.view.role === "leader";
  }

  /** Starts from what is on disk. */
  start(): void {
    const { core, world } = this.options;
    this.#life++;
    this.#isStoring = false;
    this.#isApplying = false;
    this.#toApply = [];
    this.#backlog = null;
    const state = this.disk.load();
    this.application.install(state.data);
    this.core = new RaftCore(core, state);
    this.spoil(this.core);
    this.#later(world.between(0, this.faults.tickMs), () => this.#tick());
    this.feed(() => {});
  }

  crash(): void {
    if (this.core === null) return;
    this.#life++;
    this.core = null;
    const { world } = this.options;
    this.disk.crash(world.chance(0.5) ? 0 : world.random());
    this.options.crashed(this);
  }

  /** Stands still for a while; then everything that happened meanwhile happens at once. */
  pause(durationMs: number): void {
    if (this.core === null || this.#backlog !== null) return;
    const life = this.#life;
    this.#backlog = [];
    this.options.world.schedule(durationMs, () => {
      if (life !== this.#life) return;
      const backlog = this.#backlog ?? [];
      this.#backlog = null;
      for (const run of backlog) this.#run(life, run);
    });
  }

  /** Feeds an input and looks for the work that it makes; nothing happens while down. */
  feed(input: (core: RaftCore) => void): void {
    this.#run(this.#life, () => {
      if (this.core === null) return;
      input(this.core);
      this.options.invariants.onStep(this.core.view);
      this.#work();
    });
  }

  #tick(): void {
    this.feed((core) => core.tick());
    this.#later(this.faults.tickMs, () => this.#tick());
  }

  #work(): void {
    const ready = this.#isStoring ? null : this.core?.ready() ?? null;
    if (ready === null || this.core === null) return;
    this.#isStoring = true;
    const [first] = ready.entries;
    const termBefore = first && this.core.view.log.termAt(first.index - 1n);
    this.options.invariants.onStored(ready.entries, termBefore ?? 0n);
    if (!this.#send(ready.messages) || !this.#survives()) return;
    this.disk.write(operationsOf(ready));
    const { world } = this.options;
    this.#later(world.between(0, this.faults.diskMsMax), () => this.#stored(ready));
  }

  #stored({ snapshot, persistedMessages, committedEntries }: Ready): void {
    if (!this.#survives()) return;
    this.disk.sync();
    if (snapshot !== null) this.application.install(snapshot.data);
    if (!this.#send(persistedMessages) || !this.#survives()) return;
    this.#isStoring = false;
    this.#toApply.push(...committedEntries);
    this.feed((core) => core.advance());
    this.#applyNext();
  }

  /** Applies one entry after the other, while other work goes on. */
  #applyNext(): void {
    const [entry] = this.#toApply;
    if (this.#isApplying || entry === undefined || this.core === null) return;
    this.#isApplying = true;
    const { world } = this.options;
    this.#later(world.between(0, this.faults.applyMsMax), () => {
      const isFailing = world.chance(this.faults.applyFailureRate);
      const isApplied = this.application.apply(entry, isFailing);
      const delayMs = isApplied ? world.between(0, this.faults.applyMsMax) : APPLY_RETRY_MS;
      this.#later(delayMs, () => {
        this.#isApplying = false;
        if (isApplied) this.#applied(entry);
        this.#applyNext();
      });
    });
  }

  #applied(entry: Entry): void {
    const { world, invariants } = this.options;
    this.#toApply.shift();
    invariants.onApplied(this.id, this.application.state);
    if (this.core === null || !this.#survives()) return;
    const data = encodeState(this.application.state);
    this.feed((core) => core.applied(entry, data));
    // a snapshot may have overtaken it
    if (this.core === null || this.core.view.applied !== entry.index) return;
    // members are stored with every change of them, and before the index that says so
    if (isConfChange(entry) || world.chance(WRITE_APPLIED_RATE)) this.#writeApplied(entry, data);
  }

  #writeApplied({ index }: Entry, data: Uint8Array): void {
    const { world } = this.options;
    if (this.core === null) return;
    this.disk.write([
      { kind: Kind.ConfState, confState: this.core.confState },
      { kind: Kind.Configuration, configuration: decode(ConsensusConfiguration, data) },
      { kind: Kind.Applied, index },
    ]);
    if (world.chance(SYNC_RATE)) this.disk.sync();
    if (!this.#survives() || !world.chance(COMPACT_RATE)) return;
    this.core.compact(this.disk.compact() - BigInt(world.between(0, KEPT_MAX)));
  }

  /** Says something to others; false when the node crashes in the midst of it. */
  #send(messages: readonly Message[]): boolean {
    return messages.every((message) => {
      if (!this.#survives()) return false;
      this.options.invariants.onSend(message);
      this.options.send(message);
      return true;
    });
  }

  /** Whether the node gets beyond this place. */
  #survives(): boolean {
    if (!this.options.world.chance(this.faults.crashRate)) return true;
    this.crash();
    return false;
  }

  /** Does something later, unless the node crashed meanwhile. */
  #later(delayMs: number, run: () => void): void {
    const life = this.#life;
    this.options.world.schedule(delayMs, () => this.#run(life, run));
  }

  /** Does something now, or when the process goes on; what belongs to an earlier life is over. */
  #run(life: number, run: () => void): void {
    if (life !== this.#life) return;
    if (this.#backlog === null) run();
    else this.#backlog.push(run);
  }
}

/** What a driver stores of a Ready, in the order in which it must. */
function operationsOf({ snapshot, entries, hardState }: Ready): Operation[] {
  const operations: Operation[] = [];
  if (snapshot !== null) operations.push({ kind: Kind.Snapshot, snapshot });
  if (entries.length > 0) operations.push({ kind: Kind.Append, entries });
  if (hardState !== null) operations.push({ kind: Kind.HardState, hardState });
  return operations;
}
