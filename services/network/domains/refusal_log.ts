import type { Clock } from "../../../shared/clock/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";

/** Time in which one line is enough. */
const INTERVAL_MS = 1_000;

/** Logs who was not let in, a line per second at most: who tries again and again fills no disk. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  #nextMs = -Infinity;
  #unloggedCount = 0;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Notes a refusal. */
  add(address: string, reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) {
      this.#unloggedCount += 1;
      return;
    }
    this.#log.warn(`tls report error: ${reason}`, { address, unlogged: this.#unloggedCount });
    this.#nextMs = nowMs + INTERVAL_MS;
    this.#unloggedCount = 0;
  }
}
