import type { LogLevel } from "./logger.ts";

/** A level up to which lines are written, or none at all. */
export type LogThreshold = LogLevel | "off";

const RANKS: Readonly<Record<LogThreshold, number>> = {
  off: 0,
  error: 1,
  warn: 2,
  info: 3,
  debug: 4,
  trace: 5,
};

/** Whether a line of this level passes a threshold. */
export function passes(level: LogLevel, threshold: LogThreshold): boolean {
  return RANKS[level] <= RANKS[threshold];
}

/** Whether a word is the name of a level. */
export function isLogLevel(word: string): word is LogLevel {
  return word !== "off" && word in RANKS;
}
