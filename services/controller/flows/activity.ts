import type { Clock } from "../../../shared/clock/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { CallAge, ConsensusCall, Neighbour } from "../stall/mod.ts";

/** A block that was just stored. */
export interface StoredBlock {
  readonly transactionCount: number;
  /** Since the block before it, or since the start. */
  readonly sinceLastMs: number;
}

/** Is told what happens, at once; must be quick and never throw. */
export interface ActivityListener {
  blockStored?(block: StoredBlock): void;
  consensusCalled?(call: ConsensusCall, code: StatusCode): void;
  /** A user sent transactions, alone or as a batch, all of which got this code. */
  transactionsSent?(code: StatusCode, count: number): void;
  /** They are on their way to peers. */
  transactionsForwarded?(count: number): void;
  /** A peer sent a message, whose type may be anything. */
  messageReceived?(type: string, code: StatusCode): void;
}

/** The code with which each neighbour's absence is told. */
const AWAY_CODES: Readonly<Record<Neighbour, StatusCode>> = {
  consensus: StatusCode.ConsensusServerNotReady,
  executor: StatusCode.ExecuteServerNotReady,
  kms: StatusCode.KmsServerNotReady,
  network: StatusCode.NetworkServerNotReady,
  storage: StatusCode.StorageServerNotReady,
};

/**
 * Remembers what happened last, and when: to tell whether the node is healthy, and why no block is
 * being made.
 */
export class Activity {
  readonly #clock: Clock;
  #grownMs: number;
  readonly #listeners: ActivityListener[] = [];
  readonly #calls = new Map<ConsensusCall, { readonly atMs: number; readonly code: StatusCode }>();
  readonly #awaySinceMs = new Map<Neighbour, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#grownMs = clock.monotonicMs();
  }

  /** Time since the last block was stored; the start counts as a block. */
  get standstillMs(): number {
    return this.#clock.monotonicMs() - this.#grownMs;
  }

  /** Notes that a block was stored. */
  blockStored(transactionCount: number): void {
    const sinceLastMs = this.standstillMs;
    this.#grownMs += sinceLastMs;
    for (const listener of this.#listeners) {
      listener.blockStored?.({ transactionCount, sinceLastMs });
    }
  }

  /** Tells the listener everything from now on. */
  listen(listener: ActivityListener): void {
    this.#listeners.push(listener);
  }

  /** Notes what a user sent and how it was answered. */
  transactionsSent(code: StatusCode, count: number): void {
    for (const listener of this.#listeners) listener.transactionsSent?.(code, count);
  }

  /** Notes that transactions of users go to peers. */
  transactionsForwarded(count: number): void {
    for (const listener of this.#listeners) listener.transactionsForwarded?.(count);
  }

  /** Notes a message of a peer and how it was answered. */
  messageReceived(type: string, code: StatusCode): void {
    for (const listener of this.#listeners) listener.messageReceived?.(type, code);
  }

  /** Notes a call of consensus and how it was answered. */
  consensusCalled(call: ConsensusCall, code: StatusCode): void {
    this.#calls.set(call, { atMs: this.#clock.monotonicMs(), code });
    for (const listener of this.#listeners) listener.consensusCalled?.(call, code);
  }

  /** The last call of that kind; null when there was none. */
  lastCall(call: ConsensusCall): CallAge | null {
    const found = this.#calls.get(call);
    if (found === undefined) return null;
    return { ageMs: this.#clock.monotonicMs() - found.atMs, code: found.code };
  }

  /** Notes the code of a neighbour's answer, or the one that stands for its absence. */
  answered(neighbour: Neighbour, code: StatusCode): void {
    if (code !== AWAY_CODES[neighbour]) this.#awaySinceMs.delete(neighbour);
    else if (!this.#awaySinceMs.has(neighbour)) {
      this.#awaySinceMs.set(neighbour, this.#clock.monotonicMs());
    }
  }

  /** The neighbours that did not answer when they were asked last, and for how long. */
  away(): { readonly neighbour: Neighbour; readonly forMs: number }[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#awaySinceMs].map(([neighbour, sinceMs]) => ({
      neighbour,
      forMs: nowMs - sinceMs,
    }));
  }
}
