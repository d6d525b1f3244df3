/** Severity, most severe first, as in log4rs. */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";

/** Named values of a log line, appended to the message as `name=value`; never secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes log lines of one target, the dotted name of a part of a service. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  /** A logger of a part, with the target `parent::part`. */
  child(part: string): Logger;
}

/** Drops every line. */
export const SILENT_LOGGER: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  child: () => SILENT_LOGGER,
};
