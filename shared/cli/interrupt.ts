import process from "node:process";

/** Exit code of a program that stopped because it was interrupted, as shells give it. */
export const INTERRUPTED_EXIT_CODE = 130;

/** A wish of the user to stop; disposing of it gives the signals their usual effect back. */
export interface Interrupt extends Disposable {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** Lets a command end in order at the first SIGINT or SIGTERM; a second one ends the process. */
export function catchInterrupt(): Interrupt {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
    controller.abort();
  };
  const names = ["SIGINT", "SIGTERM"] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
