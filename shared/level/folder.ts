import { readdir, readFile } from "node:fs/promises";
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
  const stranger = strangerOf(names);
  if (stranger !== null) {
    const wanted = "it must be a folder of this program or an empty one";
    const message = `Cannot open "${path}": ${wanted}, got ${stranger} files`;
    return { reason: "foreign", message };
  }
  const data = names.find((name) => /^\d+\.(ldb|log|sst)$/.test(name));
  if (data !== undefined && !names.includes("CURRENT")) {
    const damage = `its files are damaged, "CURRENT" is missing beside "${data}"`;
    return { reason: "corrupt", message: `Cannot open "${path}": ${damage}` };
  }
  return null;
}

/** The engine of the reference services that the files belong to. */
function strangerOf(names: readonly string[]): "RocksDB" | "sled" | null {
  if (names.some((name) => name === "IDENTITY" || name.startsWith("OPTIONS-"))) return "RocksDB";
  if (names.includes("conf") && names.includes("db")) return "sled";
  return null;
}

/**
 * What LevelDB left out while it opened the folder, a line for each piece. It goes on without the
 * damaged part of its log and says so only in the file "LOG", which it begins anew at every start.
 */
export async function piecesLeftOut(path: string): Promise<string[]> {
  // LevelDB itself goes on when it cannot write that file
  const text = await readFile(`${path}/LOG`, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const found = /[^/]*: dropping \d+ bytes; .*/.exec(line);
    return found === null ? [] : [found[0]];
  });
}

/** Whatever prevents listing is reported better by the attempt to open. */
async function fileNames(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch {
    return [];
  }
}
