import type { ConfigKeys, ConfigTable, ValuesOf } from "../../shared/config/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import type { Flavour } from "../../shared/service/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import type { PORT_KEYS } from "./config.ts";
import type { Engine } from "./engine.ts";
import type { LocalFiles } from "./local_files.ts";
import { startStorage } from "./start.ts";
import { offlineCommands } from "./tools/commands.ts";

/** In what one flavour of the storage differs from the others. */
export interface StorageFlavour<Keys extends ConfigKeys> {
  readonly table: ConfigTable<Keys>;
  readonly homepage: string;
  /** Opens the records; throws an `EngineError` for the operator when they cannot be used. */
  readonly openEngine: (config: ValuesOf<Keys>, log: Logger) => Promise<Engine>;
  /** Where the records are, when that is on this machine; offline commands make no new store. */
  readonly localFiles?: (config: ValuesOf<Keys>) => Promise<LocalFiles>;
  /** What deleting a full block answers (spec/storage_kms.md A4). */
  readonly deleteFullBlockCode: StatusCode;
}

/** One flavour of the executable `storage`. */
export function storageFlavour<Keys extends typeof PORT_KEYS & ConfigKeys>(
  { table, homepage, openEngine, localFiles, deleteFullBlockCode }: StorageFlavour<Keys>,
): Flavour<Keys> {
  return {
    table,
    homepage,
    start: ({ config, log }) =>
      startStorage({
        ports: config,
        log,
        openEngine: () => openEngine(config, log),
        deleteFullBlockCode,
      }),
    commands: offlineCommands({ name: table.name, openEngine, localFiles: localFiles ?? null }),
  };
}
