import type { EngineContext } from "../../engine.ts";
import type { SqliteConfig } from "./config.ts";
import { SqliteEngine } from "./engine.ts";

/** Opens the engine in the file that the configuration names. */
export function openSqliteEngine(
  { db_path: path }: Pick<SqliteConfig, "db_path">,
  { log }: Pick<EngineContext, "log">,
): Promise<SqliteEngine> {
  log.info(`db path of this service: ${path}`);
  return SqliteEngine.open(path);
}
