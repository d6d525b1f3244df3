/** One line that shows how far a long run is. */

import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";

/** Lines for a file or a pipe come less often than those that overwrite each other. */
const TERMINAL_INTERVAL_MS = 200;
const FILE_INTERVAL_MS = 30_000;

/** A line that is replaced by the next one on a terminal. */
export interface Progress {
  show(text: string): void;
  /** Removes the line. */
  end(): void;
}

/** Shows progress on the standard error stream. */
export function showProgress(): Progress {
  const isTerminal = Deno.stderr.isTerminal();
  const intervalMs = isTerminal ? TERMINAL_INTERVAL_MS : FILE_INTERVAL_MS;
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  let shownAtMs = SYSTEM_CLOCK.monotonicMs();
  return {
    show(text) {
      const nowMs = SYSTEM_CLOCK.monotonicMs();
      if (nowMs - shownAtMs < intervalMs) return;
      shownAtMs = nowMs;
      write(isTerminal ? `\r\x1b[K${text}` : `${text}\n`);
    },
    end: () => void (isTerminal && write("\r\x1b[K")),
  };
}
