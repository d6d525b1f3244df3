import type { Clock } from "../../shared/clock/mod.ts";
import type { LogFields, Logger } from "../../shared/log/mod.ts";

/** Time in which one line of a text is enough. */
const INTERVAL_MS = 1_000;

/** When a text may be logged again, and how often it was not. */
interface Pause {
  endMs: number;
  unlogged: number;
}

/**
 * Logs what others cause, a line per second and text at most: who does wrong again and again fills
 * no disk.
 */
export class LimitedLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** By text; there are few, since none is made of what came from outside. */
  readonly #pauses = new Map<string, Pause>();

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * Logs a warning, or counts it for the next line of its text, as the field `unlogged`.
   *
   * @param text one that this program knows; what others sent belongs in the fields
   */
  warn(text: string, fields: LogFields): void {
    const nowMs = this.#clock.monotonicMs();
    const pause = this.#pauses.get(text);
    if (pause !== undefined && nowMs < pause.endMs) {
      pause.unlogged += 1;
      return;
    }
    this.#log.warn(text, { ...fields, unlogged: pause?.unlogged ?? 0 });
    this.#pauses.set(text, { endMs: nowMs + INTERVAL_MS, unlogged: 0 });
  }
}
