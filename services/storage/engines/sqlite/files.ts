import { basename, dirname } from "node:path";
import { type LocalFiles, namesIn } from "../../local_files.ts";
import type { SqliteConfig } from "./config.ts";

/** The database file that the configuration names and its log, if they are there. */
export async function sqliteFiles(
  { db_path: path }: Pick<SqliteConfig, "db_path">,
): Promise<LocalFiles> {
  const names = await namesIn(dirname(path));
  if (!names.includes(basename(path))) return { path, files: [] };
  return { path, files: [path, `${path}-wal`] };
}
