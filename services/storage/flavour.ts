import type { ConfigKeys, ConfigTable, ValuesOf } from "../../shared/config/mod.ts";
import { explained, type Flavour } from "../../shared/service/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import type { PORT_KEYS } from "./config.ts";
import { type Engine, type EngineContext, EngineError } from "./engine.ts";
import type { LocalFiles } from "./local_files.ts";
import { startStorage, type StoreExtension } from "./start.ts";
import { offlineCommands } from "./tools/commands.ts";

/** Opens the records; throws with a text for the operator when they cannot be used. */
export type OpenEngine<Keys extends ConfigKeys> = (
  config: ValuesOf<Keys>,
  context: EngineContext,
) => Promise<Engine>;

/** In what one flavour of the storage differs from the others. */
export interface StorageFlavour<Keys extends ConfigKeys> {
  readonly table: ConfigTable<Keys>;
  readonly homepage: string;
  readonly openEngine: OpenEngine<Keys>;
  /** For the offline commands, where the service does more than they should. */
  readonly openOffline?: OpenEngine<Keys>;
  /** Where the records are, when that is on this machine; offline commands make no new store. */
  readonly localFiles?: (config: ValuesOf<Keys>) => Promise<LocalFiles>;
  /** What deleting a full block answers (spec/storage_kms.md A4). */
  readonly deleteFullBlockCode: StatusCode;
  /** Adds regions that 6.3.3 does not have. */
  readonly extend?: StoreExtension;
}

/** One flavour of the executable `storage`. */
export function storageFlavour<Keys extends typeof PORT_KEYS & ConfigKeys>(
  flavour: StorageFlavour<Keys>,
): Flavour<Keys> {
  const { table, homepage, openEngine, deleteFullBlockCode, extend } = flavour;
  return {
    table,
    homepage,
    start: ({ config, log, clock, signal }) =>
      startStorage({
        ports: config,
        log,
        openEngine: () => explained(openEngine(config, { log, clock, signal }), EngineError),
        deleteFullBlockCode,
        extend,
      }),
    commands: offlineCommands({
      name: table.name,
      openEngine: flavour.openOffline ?? openEngine,
      localFiles: flavour.localFiles ?? null,
    }),
  };
}
