import type { LogThreshold } from "./levels.ts";
import { compilePattern } from "./pattern.ts";
import { type AppenderSettings, DEFAULT_PATTERN, type LogSettings } from "./settings.ts";

/** A file that is put aside when it is full. */
export interface PlainLogFile {
  readonly path: string;
  /** Bytes of a full file. */
  readonly sizeMax: number;
  /** Full files that stay, under numbers. */
  readonly keptCount: number;
  readonly isCompressed: boolean;
}

/** Where a program logs that has no log4rs file. */
export interface PlainLog {
  readonly level: LogThreshold;
  /** Null for the standard output. */
  readonly file: PlainLogFile | null;
}

/** Everything of importance to the standard output. */
export const CONSOLE_LOG: PlainLog = { level: "info", file: null };

/** What a log4rs file would say. */
export function settingsOf({ level, file }: PlainLog): LogSettings {
  const appenders = file === null
    ? { all: appenderOf({ kind: "console", stream: "stdout" }) }
    // whoever starts a program by hand must see why it does not run
    : { all: appenderOf(targetOf(file)), errors: appenderOf(STDERR, "error") };
  return {
    refreshIntervalMs: null,
    appenders: new Map(Object.entries(appenders)),
    root: { level, appenders: Object.keys(appenders), additive: true },
    loggers: new Map(),
  };
}

const STDERR: AppenderSettings["target"] = { kind: "console", stream: "stderr" };

function appenderOf(
  target: AppenderSettings["target"],
  threshold: AppenderSettings["threshold"] = "trace",
): AppenderSettings {
  return { identity: "", threshold, encode: compilePattern(DEFAULT_PATTERN), target };
}

function targetOf(
  { path, sizeMax, keptCount: count, isCompressed }: PlainLogFile,
): AppenderSettings["target"] {
  const pattern = `${path}.{}${isCompressed ? ".gz" : ""}`;
  const roller = { kind: "fixed_window", pattern, base: 1, count } as const;
  return { kind: "file", path, append: true, rolling: { sizeMax, roller } };
}
