import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { SqliteError, sqliteError } from "./errors.ts";

/**
 * Keeps other processes from using a database file as their storage: SQLite itself would let them,
 * and two storages of one chain would mix their records. The lock is on a file beside it, because
 * closing a file drops the locks of SQLite on it; the system frees it when the process dies.
 *
 * @returns the lock; disposing of it frees it
 */
export async function lockDatabase(path: string): Promise<Disposable> {
  if (await isFolder(path)) {
    throw new SqliteError(`Cannot open "${path}": it must be a file, got a folder`);
  }
  let file: Deno.FsFile | null = null;
  try {
    await mkdir(dirname(path), { recursive: true });
    file = await Deno.open(`${path}-lock`, { create: true, write: true });
    if (await file.tryLock(true)) return file;
  } catch (cause) {
    file?.close();
    throw isRefusal(cause)
      ? new SqliteError(
        `Cannot open "${path}": its folder must be writable by this user, got "${cause.message}"`,
        { cause },
      )
      : sqliteError("open", path, cause);
  }
  file.close();
  const wanted = "it must not be in use, another process has it open";
  throw new SqliteError(`Cannot open "${path}": ${wanted}`);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false; // whatever prevents this is reported better by the attempt to open
  }
}

function isRefusal(cause: unknown): cause is Error {
  return cause instanceof Error && /^(EACCES|EPERM|EROFS)|Permission denied|Read-only/.test(
    cause.message,
  );
}
