import type {
  RaftOptions,
  RaftState,
  Ready,
} from "../../../services/consensus/raft/core/interface.ts";
import type { Entry, Message } from "../../../services/consensus/raft/core/messages.ts";
import { RaftCore } from "../../../services/consensus/raft/core/raft.ts";
import type { World } from "../world.ts";
import { nextState, type RaftInvariants } from "./raft_invariants.ts";

/** Time of a tick. */
const TICK_MS = 200;

/** Slowest disk and application. */
const DISK_MS_MAX = 50;
const APPLY_MS_MAX = 100;

export interface RaftNodeOptions {
  readonly world: World;
  readonly core: RaftOptions;
  readonly state: RaftState;
  readonly invariants: RaftInvariants;
  readonly send: (message: Message) => void;
}

/**
 * One node of a simulated group: a core, a disk that keeps what was synced, and an application.
 * Storing and applying take time, and a crash at any instant loses what is under way.
 */
export class RaftNode {
  core: RaftCore | null = null;
  /** What a crash leaves. */
  #disk: RaftState;
  /** The state of the application as it runs. */
  #data: Uint8Array;
  /** Tells the work of one life from that of the next. */
  #life = 0;
  #isBusy = false;
  #wasLeader = false;

  constructor(readonly options: RaftNodeOptions) {
    this.#disk = options.state;
    this.#data = options.state.data;
  }

  get id(): bigint {
    return this.options.core.id;
  }

  get isLeader(): boolean {
    return this.core?.view.role === "leader";
  }

  start(): void {
    this.#life++;
    this.#data = this.#disk.data;
    this.#isBusy = false;
    this.#wasLeader = false;
    this.core = new RaftCore(this.options.core, this.#disk);
    this.#later(this.options.world.between(0, TICK_MS), () => this.#tick());
  }

  crash(): void {
    this.#life++;
    this.core = null;
  }

  /** Feeds an input and looks for the work that it makes; nothing happens while down. */
  feed(input: (core: RaftCore) => void): void {
    if (this.core === null) return;
    input(this.core);
    this.options.invariants.onStep(this.core.view, this.#wasLeader);
    this.#wasLeader = this.isLeader;
    this.#work();
  }

  #tick(): void {
    this.feed((core) => core.tick());
    this.#later(TICK_MS, () => this.#tick());
  }

  #work(): void {
    const ready = this.#isBusy ? null : this.core?.ready() ?? null;
    if (ready === null) return;
    this.#isBusy = true;
    this.#send(ready.messages);
    const { world } = this.options;
    // the disk gets the parts in their order, each on its own
    const parts: (() => void)[] = [
      () => this.#storeSnapshot(ready),
      ...ready.entries.map((entry) => () => this.#storeEntry(entry)),
      () => this.#storeHardState(ready),
    ];
    const delayMs = world.between(0, DISK_MS_MAX);
    parts.forEach((part, index) => this.#later((delayMs * index) / parts.length, part));
    this.#later(delayMs, () => {
      this.#send(ready.persistedMessages);
      this.feed((core) => core.advance());
      this.#applyNext(ready.committedEntries);
    });
  }

  #applyNext([entry, ...rest]: readonly Entry[]): void {
    if (entry === undefined) {
      this.#isBusy = false;
      return this.#work();
    }
    this.#later(this.options.world.between(0, APPLY_MS_MAX), () => {
      this.#apply(entry);
      this.#applyNext(rest);
    });
  }

  #apply(entry: Entry): void {
    const { world, invariants } = this.options;
    if (this.core === null) return;
    this.#data = nextState(this.#data, entry);
    // an installed snapshot may be on its way to the disk: what it overtook is not applied any more
    if (entry.index > this.core.view.applied) {
      invariants.onApplied(this.id, entry.index, this.#data);
    }
    this.feed((core) => core.applied(entry, this.#data));
    const { applied, log } = this.core.view;
    if (applied !== entry.index || !world.chance(0.3)) return;
    this.#disk = { ...this.#disk, applied, data: this.#data, confState: this.core.confState };
    if (world.chance(0.3)) this.#compact(applied - BigInt(world.between(0, 5)), log);
  }

  #compact(index: bigint, log: RaftCore["view"]["log"]): void {
    const term = log.termAt(index);
    if (index <= this.#disk.start.index || term === null) return;
    const entries = this.#disk.entries.filter((entry) => entry.index > index);
    this.#disk = { ...this.#disk, start: { index, term }, entries };
    this.core?.compact(index);
  }

  #storeSnapshot({ snapshot }: Ready): void {
    const metadata = snapshot?.metadata;
    if (!snapshot || !metadata?.confState) return;
    const { index, term, confState } = metadata;
    this.options.invariants.onApplied(this.id, index, snapshot.data);
    const { hardState } = this.#disk;
    const { data } = snapshot;
    this.#data = data;
    this.#disk = {
      hardState,
      confState,
      applied: index,
      data,
      start: { index, term },
      entries: [],
    };
  }

  #storeEntry(entry: Entry): void {
    const kept = this.#disk.entries.filter(({ index }) => index < entry.index);
    this.#disk = { ...this.#disk, entries: [...kept, entry] };
  }

  /** What need not be synced may be lost. */
  #storeHardState({ hardState, mustSync }: Ready): void {
    if (hardState === null || (!mustSync && this.options.world.chance(0.5))) return;
    this.#disk = { ...this.#disk, hardState };
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      this.options.invariants.onSend(message);
      this.options.send(message);
    }
  }

  /** Does something later, unless the node crashed meanwhile. */
  #later(delayMs: number, run: () => void): void {
    const life = this.#life;
    this.options.world.schedule(delayMs, () => {
      if (life === this.#life) run();
    });
  }
}
