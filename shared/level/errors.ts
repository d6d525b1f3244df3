/**
 * What can go wrong with a store, sorted by what an operator has to do about it.
 *
 * @module
 */

/** Why a store cannot be opened or used. */
export type LevelErrorReason =
  /** Another process, or this one a second time, has the folder open. */
  | "locked"
  /** The user of this process may not write there, or the file system is mounted read-only. */
  | "read-only"
  /** The path is not a folder, or holds the files of another database engine. */
  | "foreign"
  /** Files of the store are damaged or missing. */
  | "corrupt"
  /** The operating system refused a read or a write. */
  | "io"
  /** The store was closed before the call. */
  | "closed";

/** A fault of a store; the message names the folder, `cause` is what the engine said. */
export class LevelError extends Error {
  override name = "LevelError";

  constructor(readonly reason: LevelErrorReason, message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** The error for a folder that cannot be opened. */
export function openError(path: string, thrown: unknown): LevelError {
  const { code, text } = innermost(thrown);
  const reason = reasonOf(code, text);
  return new LevelError(reason, `Cannot open "${path}": ${REMEDY[reason](text)}`, thrown);
}

/** The error for a read or write on an open store that failed. */
export function useError(path: string, action: string, thrown: unknown): LevelError {
  const { code, text } = innermost(thrown);
  const reason = reasonOf(code, text);
  return new LevelError(reason, `Cannot ${action} "${path}": ${REMEDY[reason](text)}`, thrown);
}

const REMEDY: Record<LevelErrorReason, (text: string) => string> = {
  locked: () => "it must not be in use, another process has it open",
  "read-only": (text) => `it must be writable by this user, got "${text}"`,
  foreign: (text) => `it must be a folder of this program or an empty one, got "${text}"`,
  corrupt: (text) => `its files are damaged, restore them from a backup, got "${text}"`,
  io: (text) => `the operating system refused, got "${text}"`,
  closed: () => "the store is closed",
};

/** The engine wraps its reason in a general error: the reason is the innermost cause. */
function innermost(thrown: unknown): { code: string; text: string } {
  let error = thrown;
  while (error instanceof Error && error.cause instanceof Error) error = error.cause;
  if (!(error instanceof Error)) return { code: "", text: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { code, text: error.message };
}

function reasonOf(code: string, text: string): LevelErrorReason {
  if (code === "LEVEL_LOCKED") return "locked";
  if (code === "LEVEL_DATABASE_NOT_OPEN") return "closed";
  if (code === "LEVEL_CORRUPTION") return "corrupt";
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") return "read-only";
  if (code === "EEXIST" || code === "ENOTDIR") return "foreign";
  if (/Permission denied|Read-only file system/.test(text)) return "read-only";
  // The engine found its index but not a file that the index names.
  if (code === "LEVEL_IO_ERROR" && text.includes("No such file or directory")) return "corrupt";
  return "io";
}
