import type { Clock } from "../../shared/clock/mod.ts";
import type { LogFields, Logger } from "../../shared/log/mod.ts";

/** Time in which a few lines of a kind are enough. */
const INTERVAL_MS = 1_000;

/** How often a kind was logged in its interval, and how often not since its last line. */
interface Count {
  endMs: number;
  lines: number;
  unlogged: number;
}

/** What a limited log works with. */
export interface LimitedLogOptions {
  readonly log: Logger;
  readonly clock: Clock;
  /** Lines of a kind in a second; 1 by default. */
  readonly linesMax?: number;
}

/**
 * Logs what others cause, a line per second and kind unless told otherwise: who does wrong again
 * and again fills no disk.
 */
export class LimitedLog {
  readonly #options: LimitedLogOptions;
  /** By kind; there are few, since none is made of what came from outside. */
  readonly #counts = new Map<string, Count>();

  constructor(options: LimitedLogOptions) {
    this.#options = options;
  }

  /**
   * Logs a warning, or counts it for the next line of its kind, as the field `unlogged`.
   *
   * @param text one that this program knows; what others sent belongs in the fields
   * @param kind what is counted together; a text is a kind of its own by default
   */
  warn(text: string, fields: LogFields, kind = text): void {
    const { log, clock, linesMax = 1 } = this.#options;
    const nowMs = clock.monotonicMs();
    let count = this.#counts.get(kind) ?? { endMs: -Infinity, lines: 0, unlogged: 0 };
    if (nowMs >= count.endMs) {
      count = { endMs: nowMs + INTERVAL_MS, lines: 0, unlogged: count.unlogged };
      this.#counts.set(kind, count);
    }
    if (count.lines >= linesMax) {
      count.unlogged += 1;
      return;
    }
    log.warn(text, { ...fields, unlogged: count.unlogged });
    count.lines += 1;
    count.unlogged = 0;
  }
}
