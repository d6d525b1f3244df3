import { passes } from "./levels.ts";
import { openLogFile } from "./log_file.ts";
import type { LogRecord } from "./pattern.ts";
import type { AppenderSettings } from "./settings.ts";
import { consoleSink } from "./sink.ts";

/** Writes records to one place; never throws. */
export interface Appender {
  append(record: LogRecord): void;
  close(): Promise<void>;
}

/** Opens what an appender's settings describe; throws when a file cannot be opened. */
export function openAppender({ threshold, encode, target }: AppenderSettings): Appender {
  const sink = target.kind === "console" ? consoleSink(target.stream) : openLogFile(target);
  return {
    append(record) {
      if (passes(record.level, threshold)) sink.write(encode(record, sink.isTerminal));
    },
    close: () => sink.close(),
  };
}
