import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { CryptoSuite } from "../crypto/mod.ts";
import { SECRET_MODE } from "../files/mod.ts";
import { type Logger, SILENT_LOGGER } from "../log/mod.ts";
import { KmsDbError } from "./errors.ts";
import { type FileLock, lockFile } from "./file_lock.ts";
import { KmsDb } from "./kms_db.ts";
import type { KeyProtection, KmsDbFormat, Unlocking } from "./protection.ts";
import { createStrong, isStrong, unlockStrong } from "./strong_format.ts";
import { unlockUpstream } from "./upstream_format.ts";

/** How long a statement waits for another process that writes to the file. */
const BUSY_TIMEOUT_MS = 5_000;

const OTHERS = 0o077;

/** Which file to open, and how. */
export interface OpenKmsDbOptions {
  /** Created in upstream's format when it is absent; its folder must exist. */
  readonly path: string;
  /** `db_key` of the configuration. */
  readonly password: string;
  /** The file must belong to this suite. */
  readonly suite: CryptoSuite;
  /**
   * Gets the steps of opening as the reference kms logs them, and a warning when other users of the
   * machine can read the file; silent by default.
   */
  readonly log?: Logger;
}

/**
 * Opens a key database of either format, or creates it with this password and suite. While it is
 * open it cannot be converted; others may open it too. A strong file takes half a second.
 *
 * @throws {KmsDbError} when the file, the password or the suite is wrong
 */
export async function openKmsDb(options: OpenKmsDbOptions): Promise<KmsDb> {
  const { path } = options;
  let lock: FileLock | null = null;
  try {
    createForOwnerOnly(path);
    lock = lockFile(path, "shared");
    return await openFile({ ...options, newFormat: "upstream", lock });
  } catch (cause) {
    lock?.close();
    throw asKmsDbError(cause, path);
  }
}

/** What {@linkcode openFile} needs. */
export interface OpenFileOptions extends OpenKmsDbOptions {
  /** The format of a file that is empty. */
  readonly newFormat: KmsDbFormat;
  /** Given back when the database is closed. */
  readonly lock: FileLock | null;
}

/** Opens a file that is there, without locking it. */
export async function openFile(options: OpenFileOptions): Promise<KmsDb> {
  const { path, suite, lock, log = SILENT_LOGGER } = options;
  let database: DatabaseSync | null = null;
  let protection: KeyProtection | null = null;
  try {
    warnOfWideMode(path, log);
    database = new DatabaseSync(path);
    database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    protection = await unlock(database, { ...options, log });
    return new KmsDb({ database, suite, protection, lock });
  } catch (cause) {
    protection?.forget();
    database?.close();
    throw asKmsDbError(cause, path);
  }
}

async function unlock(
  database: DatabaseSync,
  unlocking: Unlocking & { readonly newFormat: KmsDbFormat },
): Promise<KeyProtection> {
  if (isStrong(database)) return await unlockStrong(database, unlocking);
  return unlocking.newFormat === "strong"
    ? await createStrong(database, unlocking)
    : unlockUpstream(database, unlocking);
}

/** Makes an empty file, unless there is one. */
export function createForOwnerOnly(path: string): void {
  try {
    closeSync(openSync(path, "ax", SECRET_MODE));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Upstream creates files that everyone may read, so that refusing them would stop its nodes. */
function warnOfWideMode(path: string, log: Logger): void {
  const mode = (Deno.statSync(path).mode ?? 0) & 0o777;
  if ((mode & OTHERS) === 0) return;
  log.warn(
    `OTHER USERS MAY READ THE KEYS: "${path}" has mode ${mode.toString(8)}; run: chmod 600 ${path}`,
  );
}

function asKmsDbError(cause: unknown, path: string): KmsDbError {
  if (cause instanceof KmsDbError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const wanted = "it must be a key database that can be written";
  return new KmsDbError("file", `Cannot open "${path}": ${wanted}, got "${reason}"`, { cause });
}
