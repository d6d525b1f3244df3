import { assert } from "../../../shared/assert/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import type { RaftOptions, RaftState } from "../raft/core/interface.ts";
import type { Entry, Message } from "../raft/core/messages.ts";
import { RaftCore } from "../raft/core/raft.ts";

/** Ticks of the reference. */
export const DEFAULT_TICKS = { heartbeatTicks: 15, electionTicks: 50 };

/** What a core needs of a disk and an application, in memory. */
export class CoreRunner {
  readonly options: RaftOptions;
  /** What is on disk. */
  stored: RaftState;
  core: RaftCore;
  /** Data of every applied entry. */
  readonly applied: Entry[] = [];

  constructor(id: bigint, state: RaftState, options: Partial<RaftOptions> = {}) {
    this.options = {
      id,
      ...DEFAULT_TICKS,
      checksQuorum: false,
      asksBeforeElection: false,
      random: seededRandom(Number(id & 0xffffn)),
      ...options,
    };
    this.stored = state;
    this.core = new RaftCore(this.options, state);
  }

  /** Starts again from what is on disk. */
  restart(): void {
    this.core = new RaftCore(this.options, this.stored);
  }

  /** Does all work there is and returns the messages to send. */
  run(): Message[] {
    const messages: Message[] = [];
    for (let ready = this.core.ready(); ready !== null; ready = this.core.ready()) {
      this.#store(ready);
      messages.push(...ready.messages, ...ready.persistedMessages);
      this.core.advance();
      for (const entry of ready.committedEntries) this.#apply(entry);
    }
    return messages;
  }

  #store({ snapshot, entries, hardState }: NonNullable<ReturnType<RaftCore["ready"]>>): void {
    const metadata = snapshot?.metadata;
    if (snapshot && metadata?.confState) {
      const { index: applied, term, confState } = metadata;
      const start = { index: applied, term };
      this.stored = { ...this.stored, confState, applied, data: snapshot.data, start, entries: [] };
    }
    const [first] = entries;
    if (first !== undefined) {
      const kept = this.stored.entries.filter(({ index }) => index < first.index);
      this.stored = { ...this.stored, entries: [...kept, ...entries] };
    }
    if (hardState !== null) this.stored = { ...this.stored, hardState };
  }

  /** The state of this application is the data of the last entry that has some. */
  #apply(entry: Entry): void {
    this.applied.push(entry);
    const data = entry.data.length > 0 ? entry.data : this.stored.data;
    this.core.applied(entry, data);
    const { confState } = this.core;
    this.stored = { ...this.stored, applied: entry.index, data, confState };
  }
}

/** Cores that hear each other at once and without loss, except for what a test holds back. */
export class CoreGroup {
  readonly runners = new Map<bigint, CoreRunner>();
  /** Every message that was sent. */
  readonly sent: Message[] = [];
  /** Loses what it does not accept. */
  accepts: (message: Message) => boolean = () => true;

  constructor(states: ReadonlyMap<bigint, RaftState>, options: Partial<RaftOptions> = {}) {
    for (const [id, state] of states) this.runners.set(id, new CoreRunner(id, state, options));
  }

  core(id: bigint): RaftCore {
    return this.#runner(id).core;
  }

  applied(id: bigint): readonly Entry[] {
    return this.#runner(id).applied;
  }

  /** Delivers until nobody has anything left to say. */
  settle(): void {
    for (;;) {
      const messages = [...this.runners.values()].flatMap((runner) => runner.run());
      if (messages.length === 0) return;
      this.sent.push(...messages);
      for (const message of messages) {
        if (this.accepts(message)) this.runners.get(message.to)?.core.step(message);
      }
    }
  }

  /** Makes a node the leader. */
  elect(id: bigint): void {
    this.core(id).campaign();
    this.settle();
  }

  /** Lets time pass for one node. */
  tick(id: bigint, count: number): void {
    for (let tick = 0; tick < count; tick++) {
      this.core(id).tick();
      this.settle();
    }
  }

  #runner(id: bigint): CoreRunner {
    const runner = this.runners.get(id);
    assert(runner !== undefined, `There is no node ${id}`);
    return runner;
  }
}
