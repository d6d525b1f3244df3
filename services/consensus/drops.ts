import type { Clock } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";

/** Between lines about messages that were dropped, which may be many. */
const TELL_INTERVAL_MS = 1_000;

/** Counts messages that are dropped and says so in the log, now and then. */
export class Drops {
  readonly #what: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #count = 0;
  #toldCount = 0;
  #toldAtMs = -Infinity;

  constructor(what: string, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#what = what;
    this.#clock = clock;
    this.#log = log;
  }

  /** Those so far. */
  get count(): number {
    return this.#count;
  }

  /** One more is dropped. */
  add(reason: string): void {
    this.#count++;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#toldAtMs + TELL_INTERVAL_MS) return;
    this.#log.warn(`drop ${this.#what} (${this.#count - this.#toldCount}): ${reason}`);
    this.#toldAtMs = nowMs;
    this.#toldCount = this.#count;
  }
}
