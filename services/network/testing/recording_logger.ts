import type { LogFields, Logger, LogLevel } from "../../../shared/log/mod.ts";

/** A line that was logged. */
export interface LoggedLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** Keeps every line, and lets a test wait for one. */
export class RecordingLogger implements Logger {
  readonly lines: LoggedLine[] = [];
  readonly #waiters = new Set<() => void>();

  /** Resolves as soon as `count` lines match; lines of the past count. */
  async waitFor(pattern: RegExp, count = 1): Promise<void> {
    const isReached = () => this.count(pattern) >= count;
    if (isReached()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (isReached()) resolve();
    };
    this.#waiters.add(check);
    await promise;
    this.#waiters.delete(check);
  }

  /** How many lines match. */
  count(pattern: RegExp): number {
    return this.lines.filter(({ message }) => pattern.test(message)).length;
  }

  error(message: string, fields?: LogFields): void {
    this.#add("error", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#add("warn", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#add("info", message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#add("debug", message, fields);
  }

  trace(message: string, fields?: LogFields): void {
    this.#add("trace", message, fields);
  }

  child(): Logger {
    return this;
  }

  #add(level: LogLevel, message: string, fields: LogFields | undefined): void {
    this.lines.push({ level, message, fields });
    for (const check of this.#waiters) check();
  }
}
