import { type ConfigOf, defineTable, text } from "../../../../shared/config/mod.ts";
import { PORT_KEYS } from "../../config.ts";

/**
 * Table `[storage_sqlite]` of config.toml. Upstream's service of that name had flags only
 * (spec/storage_kms.md A7): the file is the default of its `-d`, which took any path.
 */
export const SQLITE_TABLE = defineTable("storage_sqlite", {
  ...PORT_KEYS,
  db_path: text({ default: "storage.db", doc: "database file, may be absolute" }),
});

/** Values of {@linkcode SQLITE_TABLE}. */
export type SqliteConfig = ConfigOf<typeof SQLITE_TABLE>;
