import { readdir, stat } from "node:fs/promises";

/** Where an engine on this machine keeps its records. */
export interface LocalFiles {
  /** The folder or file that the configuration names. */
  readonly path: string;
  /** The files in use; none when nothing was stored yet. */
  readonly files: readonly string[];
}

/** The size of files in bytes; those that have gone meanwhile count nothing. */
export async function sizeOfFiles(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    files.map((file) => stat(file).then(({ size }) => size, ignoreAbsence(0))),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The names in a folder, none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(ignoreAbsence([]));
}

function ignoreAbsence<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT" || code === "ENOTDIR") return value;
    throw error;
  };
}
