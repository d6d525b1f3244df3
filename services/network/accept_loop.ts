import { setImmediate } from "node:timers";
import type { Clock } from "../../shared/clock/mod.ts";

/** What an {@linkcode acceptAll} works with. */
export interface AcceptOptions<Connection> {
  /** Gives one connection of a peer after the other. */
  readonly listener: { accept(): Promise<Connection> };
  readonly clock: Clock;
  /** Ends the loop; the owner closes the listener at the same time. */
  readonly signal: AbortSignal;
  /** Takes a connection. What it throws is a defect and ends the loop. */
  readonly onAccepted: (connection: Connection) => void;
  /** Tells why connections could not be accepted, at most every {@linkcode REPORT_INTERVAL_MS}. */
  readonly onFailure: (reason: string) => void;
}

/** Shortest distance of two reports of failures: strangers can cause thousands. */
export const REPORT_INTERVAL_MS = 10_000;

/** Pause when the system has no room for a further connection. */
const EXHAUSTED_PAUSE_MS = 100;

/** No room: file handles of the process and of the system, buffers, memory. */
const EXHAUSTED_CODES: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** Accepts without a break, before what has arrived for those accepted is read. */
const ACCEPTS_PER_TURN = 16;

/**
 * Accepts until the signal aborts. A peer that is gone when its turn comes makes `accept` reject
 * too (ENOTCONN, ECONNABORTED), which must not delay those behind it.
 */
export async function acceptAll<Connection extends { close(): void }>(
  options: AcceptOptions<Connection>,
): Promise<void> {
  const { listener, clock, signal, onAccepted } = options;
  const failures = new FailureReport(options);
  for (let count = 1; !signal.aborted; count++) {
    const accepted = await listener.accept().catch(toError);
    if (!(accepted instanceof Error)) {
      if (signal.aborted) accepted.close();
      else onAccepted(accepted);
    } else if (!signal.aborted) {
      failures.add(accepted);
      if (needsPause(accepted)) await clock.sleep(EXHAUSTED_PAUSE_MS, signal);
    }
    if (count % ACCEPTS_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Counts failures between its reports. */
class FailureReport {
  readonly #options: Pick<AcceptOptions<never>, "clock" | "onFailure">;
  #nextMs = -Infinity;
  #unreported = 0;

  constructor(options: Pick<AcceptOptions<never>, "clock" | "onFailure">) {
    this.#options = options;
  }

  add({ message }: Error): void {
    const { clock, onFailure } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#nextMs) {
      this.#unreported += 1;
      return;
    }
    this.#nextMs = nowMs + REPORT_INTERVAL_MS;
    onFailure(this.#unreported === 0 ? message : `${message}, and ${this.#unreported} before`);
    this.#unreported = 0;
  }
}

/** An error without a code of the system is none of a peer, and may come again at once. */
function needsPause(error: Error): boolean {
  const code = "code" in error ? error.code : undefined;
  return typeof code !== "string" || EXHAUSTED_CODES.has(code);
}

function toError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
