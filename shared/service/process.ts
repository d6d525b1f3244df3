import process from "node:process";
import type { Clock } from "../clock/mod.ts";
import { ConfigError } from "../config/mod.ts";
import type { Logger } from "../log/mod.ts";
import type { RunningService } from "./flavour.ts";

/** How long a service may take to stop before the process ends without it. */
const STOP_DEADLINE_MS = 10_000;

/** What a running process is made of. */
export interface ServiceProcess {
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborted by the first SIGTERM or SIGINT. */
  readonly stopRequest: AbortController;
}

/** Aborts the controller at the first SIGTERM or SIGINT; the second one ends the process. */
export function stopOnSignals(stopRequest: AbortController, log: Logger): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopRequest.signal.aborted) process.exit(1);
      log.info(`exit by: ${signal}`);
      stopRequest.abort();
    });
  }
}

/**
 * Ends the process with code 1 after an error that nothing handled, as the reference services do
 * after a panic: going on could break an invariant, a supervisor restarts the service.
 */
export function exitOnPanic(log: Logger): void {
  const panic = (cause: unknown) => {
    log.error("panicked: the process ends", { cause });
    process.exit(1);
  };
  process.on("uncaughtException", panic);
  process.on("unhandledRejection", panic);
}

/** A start that is refused for a reason that the operator has to mend; the text says which. */
export class StartRefusal extends Error {
  override name = "StartRefusal";

  constructor(message: string, readonly exitCode: number, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * A part of a start whose faults of some kinds are for the operator to mend: they refuse the start
 * with their text, where others would show a stack.
 */
export async function explained<Result>(
  work: Promise<Result>,
  ...kinds: readonly (new (...args: never[]) => Error)[]
): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    const kind = kinds.find((kind) => cause instanceof kind);
    if (kind === undefined || !(cause instanceof Error)) throw cause;
    throw new StartRefusal(cause.message, 1, { cause });
  }
}

/**
 * Starts a service, waits until the process is asked to stop, and stops it.
 *
 * @returns the exit code: 0 after a clean stop, that of a {@linkcode StartRefusal}, 1 otherwise
 */
export async function runUntilStopped(
  start: () => Promise<RunningService>,
  { log, clock, stopRequest }: ServiceProcess,
): Promise<number> {
  const stopped = whenAborted(stopRequest.signal);
  const finished = new AbortController();
  const deadline = stopped.then(() => clock.sleep(STOP_DEADLINE_MS, finished.signal))
    .then(() => "late" as const);
  try {
    const service = await Promise.race([start(), deadline]);
    if (service === "late") return 1;
    await stopped;
    const outcome = await Promise.race([service.stop(), deadline]);
    if (outcome !== "late") return 0;
    log.error(`could not stop within ${STOP_DEADLINE_MS} ms`);
    return 1;
  } catch (cause) {
    if (stopRequest.signal.aborted) return 0; // a wait of the start-up was cut short
    const isExplained = cause instanceof ConfigError || cause instanceof StartRefusal;
    if (isExplained) log.error(cause.message);
    else log.error("the service cannot run", { cause });
    return cause instanceof StartRefusal ? cause.exitCode : 1;
  } finally {
    finished.abort();
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
