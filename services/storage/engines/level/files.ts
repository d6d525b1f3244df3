import { type LocalFiles, namesIn } from "../../local_files.ts";
import type { LevelConfig } from "./config.ts";

/** The files of the folder that the configuration names, if it holds a store. */
export async function levelFiles(
  { db_path: path }: Pick<LevelConfig, "db_path">,
): Promise<LocalFiles> {
  const names = await namesIn(path);
  // also without its index: opening then says what is missing
  const isStore = names.some((name) => /^(CURRENT|\d+\.(ldb|log|sst))$/.test(name));
  return { path, files: isStore ? names.map((name) => `${path}/${name}`) : [] };
}
