import type { Clock } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { Drops } from "./drops.ts";

/** What others can make a node keep while it is busy. */
export interface MessageBudgetOptions {
  readonly countMax: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether nothing is looked at for now, for want of room on the disk. */
  readonly isDiskFull: () => boolean;
}

/** A message that waits. */
interface Waiting {
  readonly origin: bigint;
  readonly size: number;
}

/** Messages and their bytes. */
interface Amount {
  count: number;
  bytes: number;
}

const BYTES_MAX = 64 * 1_024 * 1_024;

/**
 * Says which messages of others may wait to be looked at; further ones are lost, as on a bad line.
 * No session gets more than what is left for the others, so none can keep them out.
 */
export class MessageBudget {
  readonly #options: MessageBudgetOptions;
  readonly #queue: Waiting[] = [];
  readonly #used: Amount = { count: 0, bytes: 0 };
  readonly #usedByOrigin = new Map<bigint, Amount>();
  readonly #drops: Drops;

  constructor(options: MessageBudgetOptions) {
    this.#options = options;
    this.#drops = new Drops("messages of others", options);
  }

  /** Messages that were lost so far. */
  get dropped(): number {
    return this.#drops.count;
  }

  /** Whether a message may wait, behind those that do; if not it is to be dropped. */
  admit(origin: bigint, size: number): boolean {
    const own = this.#usedByOrigin.get(origin) ?? { count: 0, bytes: 0 };
    const refusal = this.#refusal(own, size);
    if (refusal !== null) {
      this.#drops.add(refusal);
      return false;
    }
    this.#queue.push({ origin, size });
    this.#usedByOrigin.set(origin, own);
    for (const amount of [own, this.#used]) {
      amount.count++;
      amount.bytes += size;
    }
    return true;
  }

  /** The first of those that wait is looked at now. */
  release(): void {
    const first = this.#queue.shift();
    const own = first && this.#usedByOrigin.get(first.origin);
    if (first === undefined || own === undefined) return;
    for (const amount of [own, this.#used]) {
      amount.count--;
      amount.bytes -= first.size;
    }
    if (own.count === 0) this.#usedByOrigin.delete(first.origin);
  }

  #refusal(own: Amount, size: number): string | null {
    if (this.#options.isDiskFull()) return "the disk is full";
    const { count, bytes } = this.#used;
    if (own.count + 1 > this.#options.countMax - count) return "too many wait";
    return own.bytes + size > BYTES_MAX - bytes ? "too many bytes wait" : null;
  }
}
