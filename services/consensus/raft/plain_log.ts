import type { PlainLog } from "../../../shared/log/mod.ts";
import type { CommandOption, CommandValues } from "../../../shared/service/mod.ts";
import type { LogWord, RaftConfig } from "./config.ts";

/** Options of `run` (spec/consensus.md, section 9.1). */
export const LOG_OPTIONS: readonly CommandOption[] = [
  [
    "--stdout",
    "log to the standard output, for [consensus_raft]",
    ["log", "logDir", "logFileName"],
  ],
  ["-d, --log-dir <path>", "folder of the log, for [consensus_raft]", ["log"]],
  ["-f, --log-file-name <name>", "file of the log, for [consensus_raft]", ["log"]],
];

const LEVELS: Readonly<Record<LogWord, PlainLog["level"]>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  critical: "error",
};

/** Where a node without a log4rs file logs; the command line overrides the configuration. */
export function raftPlainLog(
  { config, options }: { readonly config: RaftConfig; readonly options: CommandValues },
): PlainLog {
  const { stdout: toStdout = false, logDir: folder, logFileName: name } = options;
  const namesFile = folder !== undefined || name !== undefined;
  const level = LEVELS[config.log_level];
  if (toStdout === true || (config.log_to_stdout && !namesFile)) return { level, file: null };
  const path = `${folder ?? config.log_dir}/${name ?? config.log_file_name}`;
  const { log_rotate_size: sizeMax, log_rotate_keep: keptCount } = config;
  return { level, file: { path, sizeMax, keptCount, isCompressed: config.log_rotate_compress } };
}
