import { SqliteEngine } from "../engines/sqlite/engine.ts";
import type { EngineFixture } from "./engine_contract.ts";

/** A SQLite engine in a temporary folder. */
export async function sqliteFixture(): Promise<EngineFixture> {
  const folder = await Deno.makeTempDir({ prefix: "storage_sqlite_" });
  const open = () => SqliteEngine.open(`${folder}/storage.db`);
  return { open, reopen: open, dispose: () => Deno.remove(folder, { recursive: true }) };
}
