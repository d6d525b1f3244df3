import type { Clock } from "../../../shared/clock/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";

/** Thrown by waits of a node that is asked to stop. */
export class StoppedError extends Error {
  override name = "StoppedError";

  constructor() {
    super("the controller was asked to stop");
  }
}

/** How a wait loop is paced. */
export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Pauses grow up to this one. */
  readonly delayMaxMs: number;
}

/** The first pause: services of a node start together, most are ready within a moment. */
const DELAY_FIRST_MS = 100;

/**
 * Attempts until the result is not null: at once, then after pauses that double up to a limit.
 *
 * @throws {StoppedError} when the signal aborts
 */
export async function untilReady<Result>(
  attempt: () => Promise<Result | null>,
  { clock, signal, delayMaxMs }: RetryOptions,
): Promise<Result> {
  for (let delayMs = DELAY_FIRST_MS;; delayMs = Math.min(2 * delayMs, delayMaxMs)) {
    if (signal.aborted) throw new StoppedError();
    const result = await attempt();
    if (result !== null) return result;
    await clock.sleep(Math.min(delayMs, delayMaxMs), signal);
  }
}

/** Warns of the reason for waiting each time that it changes: a neighbour may be away for hours. */
export function warnOfChange(log: Logger): (reason: string) => void {
  let last = "";
  return (reason) => {
    if (reason !== last) log.warn(reason);
    last = reason;
  };
}
