import { KmsDbError } from "./errors.ts";

/** A lock on a key database; closing it, or the end of the process, gives it back. */
export type FileLock = Deno.FsFile;

/**
 * Locks the file at a path: shared by those who use it, exclusive for the one who replaces it. The
 * lock is advisory (`flock`); upstream's programs do not know of it.
 *
 * @throws {KmsDbError} of kind "busy" when it is locked otherwise
 */
export function lockFile(path: string, kind: "shared" | "exclusive"): FileLock {
  for (;;) {
    const file = Deno.openSync(path);
    if (!file.tryLockSync(kind === "exclusive")) {
      file.close();
      const wanted = kind === "exclusive"
        ? "no other program may have it open, stop the kms first"
        : "it is being converted by another program";
      throw new KmsDbError("busy", `Cannot use "${path}": ${wanted}`);
    }
    if (isAt(file, path)) return file;
    file.close(); // it was replaced before it was locked
  }
}

function isAt(file: Deno.FsFile, path: string): boolean {
  const [locked, found] = [file.statSync(), Deno.statSync(path)];
  return locked.ino === found.ino && locked.dev === found.dev;
}
