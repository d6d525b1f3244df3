import type { LogFields, Logger } from "../../../shared/log/mod.ts";

/** A logger that keeps its lines as `level: message`, for tests. */
export function keepLines(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (message: string, _fields?: LogFields) => {
    lines.push(`${level}: ${message}`);
  };
  const log: Logger = {
    error: keep("error"),
    warn: keep("warn"),
    info: keep("info"),
    debug() {},
    trace() {},
    child: () => log,
  };
  return { log, lines };
}
