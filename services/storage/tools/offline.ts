import { ExitError, type Output } from "../../../shared/cli/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import { type Logger, SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { StartRefusal } from "../../../shared/service/mod.ts";
import { type Engine, EngineError } from "../engine.ts";
import type { LocalFiles } from "../local_files.ts";

/** What an offline command works with. */
export interface OfflineStore {
  readonly output: Output;
  readonly clock: Clock;
  /** Name of the flavour's table. */
  readonly flavour: string;
  /** Opens the records, as the service does. */
  readonly openEngine: (log: Logger) => Promise<Engine>;
  /** Where they are; null when they are on another machine. */
  readonly localFiles: (() => Promise<LocalFiles>) | null;
}

/**
 * Opens records that are there and closes them after use: unlike the service, a command makes no
 * new store. A fault of the engine becomes an `ExitError` with code 1.
 */
export async function withEngine<Result>(
  store: OfflineStore,
  use: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const local = await store.localFiles?.();
  if (local?.files.length === 0) {
    const wanted = "it must hold records of this service";
    throw new ExitError(1, `Cannot open "${local.path}": ${wanted}, got none`);
  }
  try {
    const engine = await store.openEngine(operatorLog(store.output));
    try {
      return await use(engine);
    } finally {
      await engine.close();
    }
  } catch (cause) {
    if (cause instanceof EngineError || cause instanceof StartRefusal) {
      throw new ExitError(1, cause.message, { cause });
    }
    throw cause;
  }
}

/** Where the records are, as messages name it. */
export async function placeOf({ flavour, localFiles }: OfflineStore): Promise<string> {
  return localFiles === null ? flavour : (await localFiles()).path;
}

/** What opening warns of goes to stderr. */
function operatorLog(output: Output): Logger {
  const warn: Logger["warn"] = (message, fields = {}) => {
    const details = Object.entries(fields).map(([name, value]) => `, ${name}: ${value}`);
    output.err(`${message}${details.join("")}\n`);
  };
  return { ...SILENT_LOGGER, error: warn, warn, child: () => operatorLog(output) };
}
