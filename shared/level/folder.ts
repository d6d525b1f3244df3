import { readdir } from "node:fs/promises";
import type { LevelErrorReason } from "./errors.ts";

/**
 * Looks for what LevelDB itself would not notice: it would take the files of RocksDB for damaged
 * ones of its own, and would start an empty store over data files whose index is lost.
 *
 * @returns null when the folder may be opened
 */
export async function foreignFiles(
  path: string,
): Promise<{ reason: LevelErrorReason; message: string } | null> {
  const names = await fileNames(path);
  const rocksdb = names.find((name) => name === "IDENTITY" || name.startsWith("OPTIONS-"));
  if (rocksdb !== undefined) {
    const wanted = "it must be a folder of this program or an empty one";
    return { reason: "foreign", message: `Cannot open "${path}": ${wanted}, got RocksDB files` };
  }
  const data = names.find((name) => /^\d+\.(ldb|log|sst)$/.test(name));
  if (data !== undefined && !names.includes("CURRENT")) {
    const damage = `its files are damaged, "CURRENT" is missing beside "${data}"`;
    return { reason: "corrupt", message: `Cannot open "${path}": ${damage}` };
  }
  return null;
}

/** Whatever prevents listing is reported better by the attempt to open. */
async function fileNames(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch {
    return [];
  }
}
