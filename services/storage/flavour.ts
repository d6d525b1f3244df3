import type { Clock } from "../../shared/clock/mod.ts";
import type { ConfigKeys, ConfigTable, ValuesOf } from "../../shared/config/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import type { Flavour } from "../../shared/service/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import type { PORT_KEYS } from "./config.ts";
import type { Engine } from "./engine.ts";
import { startStorage, type StoreExtension } from "./start.ts";

/** What an engine that waits for others takes from its process. */
export interface EngineProcess {
  readonly clock: Clock;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
}

/** In what one flavour of the storage differs from the others. */
export interface StorageFlavour<Keys extends ConfigKeys> {
  readonly table: ConfigTable<Keys>;
  readonly homepage: string;
  /** Opens the records; throws with a text for the operator when they cannot be used. */
  readonly openEngine: (
    config: ValuesOf<Keys>,
    log: Logger,
    surroundings: EngineProcess,
  ) => Promise<Engine>;
  /** What deleting a full block answers (spec/storage_kms.md A4). */
  readonly deleteFullBlockCode: StatusCode;
  /** Adds regions that 6.3.3 does not have. */
  readonly extend?: StoreExtension;
}

/** One flavour of the executable `storage`. */
export function storageFlavour<Keys extends typeof PORT_KEYS & ConfigKeys>(
  { table, homepage, openEngine, deleteFullBlockCode, extend }: StorageFlavour<Keys>,
): Flavour<Keys> {
  return {
    table,
    homepage,
    start: ({ config, log, clock, signal }) =>
      startStorage({
        ports: config,
        log,
        openEngine: () => openEngine(config, log, { clock, signal }),
        deleteFullBlockCode,
        extend,
      }),
  };
}
