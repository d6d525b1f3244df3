import type { PlainLog } from "../../../shared/log/mod.ts";
import type { CommandOption, CommandValues } from "../../../shared/service/mod.ts";

/** Levels that `-l` may name (spec/network.md, section 4.1). */
export const LOG_LEVELS = ["error", "warn", "info", "debug", "trace"] as const;

/** Options of `run` that say where to log. */
export const LOG_OPTIONS: readonly CommandOption[] = [
  [
    "--stdout",
    "log to the standard output, for [network_tls] and [network_quic]",
    ["logDir", "logFileName"],
  ],
  ["-d, --log-dir <path>", "folder of the log (default: logs), for the same"],
  [
    "-f, --log-file-name <name>",
    "file of the log (default: network-service.log), for the same",
  ],
];

const FILE_SIZE_MAX = 128 * 1024 * 1024;
const FILES_KEPT = 5;

/** Where a node without a log4rs file logs; the file is rotated by its size. */
export function domainPlainLog({ options }: { readonly options: CommandValues }): PlainLog {
  const { stdout, logDir = "logs", logFileName = "network-service.log", logLevel } = options;
  const level = LOG_LEVELS.find((word) => word === logLevel) ?? "info";
  if (stdout === true) return { level, file: null };
  const path = `${logDir}/${logFileName}`;
  const rotation = { sizeMax: FILE_SIZE_MAX, keptCount: FILES_KEPT, isCompressed: false };
  return { level, file: { path, ...rotation } };
}
