/**
 * Logging as a log4rs YAML file directs it (spec/controller.md, section 4).
 *
 * @module
 */

export { LogConfigError } from "./config_error.ts";
export { initLog, initPlainLog, type LogControl, type LogOptions } from "./control.ts";
export { type LogFields, type Logger, type LogLevel, SILENT_LOGGER } from "./logger.ts";
export { CONSOLE_LOG, type PlainLog } from "./plain_log.ts";
