/**
 * What can go wrong with a database file, said so that an operator knows what to do.
 *
 * @module
 */

/** A fault of the database; the message names its file. */
export class SqliteError extends Error {
  override name = "SqliteError";
}

/** Texts of SQLite that say what an operator can do something about. */
const REMEDIES: readonly (readonly [pattern: RegExp, wanted: string])[] = [
  [/database or disk is full/, "the disk must have room"],
  [/database (table )?is locked/, "no other program may write to it"],
  [
    /readonly database|unable to open database file|authorization denied/,
    "it and its folder must be writable by this user",
  ],
  [/file is not a database/, "it must be a SQLite file, or its header is damaged"],
  [/disk image is malformed/, "it is damaged, restore it from a backup"],
  [/database is not open|statement has been finalized/, "it must be open"],
];

const OTHER = "the operating system must not refuse";

/** The error for a use of the file that SQLite refused; the cause's text is part of the message. */
export function sqliteError(action: string, path: string, cause: unknown): SqliteError {
  if (cause instanceof SqliteError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const wanted = REMEDIES.find(([pattern]) => pattern.test(text))?.[1] ?? OTHER;
  return new SqliteError(`Cannot ${action} "${path}": ${wanted}, got "${text}"`, { cause });
}
