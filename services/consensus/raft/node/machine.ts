import type { ConsensusConfiguration, Proposal } from "../../../../proto/gen/common.ts";
import { assert } from "../../../../shared/assert/mod.ts";
import { to0xHex } from "../../../../shared/bytes/mod.ts";
import type { Entry } from "../core/messages.ts";
import type { RaftCore } from "../core/raft.ts";
import { Kind, type Operation } from "../log/operation.ts";
import { peerIdOf } from "../peer_id.ts";
import type { Effect, LineLevel, NodeOptions, TimerName } from "./interface.ts";

/** A committed entry that waits for its turn. */
export interface CommittedEntry {
  readonly entry: Entry;
  /** The block in it; null when it holds none. */
  readonly proposal: Proposal | null;
}

/** No timer runs longer: an interval comes from others. */
const INTERVAL_MAX_MS = 3_600_000;

/** An interval of 0 must not make a leader ask its controller without pause. */
const INTERVAL_MIN_MS = 200;

/** Everything a node knows besides its raft, and the effects of the input at hand. */
export class Machine {
  readonly options: NodeOptions;
  /** Monotonic time of the input at hand. */
  nowMs = 0;
  effects: Effect[] = [];

  /** Null until it is known what the node starts from. */
  core: RaftCore | null = null;
  /** The last that the controller named; its height is that of the last block of the chain. */
  configuration: ConsensusConfiguration = { height: 0n, blockInterval: 0, validators: [] };
  /** Whether the controller was heard of since the start. */
  isConfigured = false;
  isQuerying = false;

  /** Entries that are committed and not applied, in their order. */
  readonly queue: CommittedEntry[] = [];
  /** What the controller does with the first of the queue. */
  applying: "idle" | "called" | "waiting" = "idle";
  /** Why the controller did not take the first of the queue; empty when it was not asked yet. */
  applyFailure = "";

  isFetching = false;
  isBlockDue = true;
  /** Own block that is to be proposed, or is and is not applied yet. */
  proposal: Proposal | null = null;
  /** Why the controller gave no proposal the last time; empty when it did. */
  fetchFailure = "";
  /** Since when this leader waits for its controller, failures included; null when it does not. */
  waitingSinceMs: number | null = null;

  /** When a message of another node was last warned of. */
  warnedAtMs = -Infinity;
  /** When the chain last grew, or its standstill was last explained. */
  quietSinceMs = 0;

  constructor(options: NodeOptions) {
    this.options = options;
  }

  get ownId(): bigint {
    return this.options.raft.id;
  }

  get height(): bigint {
    return this.configuration.height;
  }

  /** Ids of the validators that the chain wants. */
  get wanted(): bigint[] {
    return this.configuration.validators.map(peerIdOf);
  }

  /** The raft of this node if it leads. */
  get leading(): RaftCore | null {
    return this.core?.view.role === "leader" ? this.core : null;
  }

  get intervalMs(): number {
    const wantedMs = this.configuration.blockInterval * 1_000;
    return Math.min(Math.max(wantedMs, INTERVAL_MIN_MS), INTERVAL_MAX_MS);
  }

  /** Address of a validator, for whoever reads the log. */
  nameOf(id: bigint): string {
    const address = this.configuration.validators.find((address) => peerIdOf(address) === id);
    return address === undefined ? `peer ${id}` : to0xHex(address);
  }

  namesOf(ids: readonly bigint[]): string {
    return ids.map((id) => this.nameOf(id)).join(", ");
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  log(level: LineLevel, text: string): void {
    this.emit({ kind: "log", level, text });
  }

  setTimer(name: TimerName, delayMs: number): void {
    this.emit({ kind: "setTimer", name, delayMs });
  }

  persist(...operations: readonly Operation[]): void {
    this.emit({ kind: "persist", operations });
  }

  /** The next block is due an interval from now. */
  restartInterval(): void {
    this.isBlockDue = false;
    this.setTimer("block", this.intervalMs);
  }

  /** Takes a configuration over, which belongs to a later height, and returns the record of it. */
  advance(configuration: ConsensusConfiguration): Operation {
    assert(configuration.height > this.height, "The chain does not go back");
    this.configuration = configuration;
    this.quietSinceMs = this.nowMs;
    this.waitingSinceMs = null;
    // a leader began to count when it asked for the block
    if (this.leading === null) this.restartInterval();
    return { kind: Kind.Configuration, configuration };
  }

  /** Asks the controller for its height and configuration. */
  query(): void {
    if (this.isQuerying) return;
    this.isQuerying = true;
    this.emit({ kind: "queryConfiguration" });
  }
}
