import { dirname } from "node:path";
import type { CryptoSuite } from "../crypto/mod.ts";
import { equalBytes } from "../bytes/mod.ts";
import { exists, removeIfThere, SECRET_MODE, syncFolder } from "../files/mod.ts";
import { KmsDbError } from "./errors.ts";
import { lockFile } from "./file_lock.ts";
import type { KmsAccount, KmsDb } from "./kms_db.ts";
import { createForOwnerOnly, openFile } from "./open.ts";
import type { KmsDbFormat } from "./protection.ts";

/** Which file to convert, and to what. */
export interface MigrateKmsDbOptions {
  readonly path: string;
  readonly suite: CryptoSuite;
  /** The password of the file as it is. */
  readonly password: string;
  readonly to: KmsDbFormat;
  /** The password of the file as it will be; null keeps the one that it has. */
  readonly newPassword: string | null;
  /** Whether the old file stays, as {@linkcode Migration.backupPath}. */
  readonly keepBackup: boolean;
}

/** What a conversion did. */
export interface Migration {
  readonly from: KmsDbFormat;
  /** The file as it was; null when it was overwritten and removed. */
  readonly backupPath: string | null;
  readonly accounts: readonly KmsAccount[];
  /** Whether the blocks of the old file were overwritten; another hard link of it prevents that. */
  readonly isOverwritten: boolean;
}

/**
 * Converts a key database as a whole, or changes its password: key ids and descriptions stay. A
 * crash at any point leaves the old or the new file; what it left beside them, the next run removes.
 *
 * @returns null when there is nothing to do: the format is the wanted one and no password is new
 * @throws {KmsDbError} when the file is in use, cannot be read as a whole or cannot be replaced
 */
export async function migrateKmsDb(options: MigrateKmsDbOptions): Promise<Migration | null> {
  try {
    const path = Deno.realPathSync(options.path);
    const lock = lockFile(path, "exclusive");
    try {
      return await migrate({ ...options, path });
    } finally {
      lock.close();
    }
  } catch (cause) {
    if (cause instanceof KmsDbError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KmsDbError("file", `Cannot convert "${options.path}": ${reason}`, { cause });
  }
}

async function migrate(options: MigrateKmsDbOptions): Promise<Migration | null> {
  const { path, suite, password, newPassword, to } = options;
  const part = `${path}.migrating`;
  await removePart(part);
  try {
    const source = await openFile({ path, suite, password, newFormat: "upstream", lock: null });
    const { format: from } = source;
    const backupPath = options.keepBackup ? `${path}.${from}.backup` : null;
    let accounts: readonly KmsAccount[];
    try {
      if (from === to && newPassword === null) return null;
      if (backupPath !== null && !isSameFile(path, backupPath)) refuseExisting(backupPath);
      const target = { path: part, password: newPassword ?? password, suite, newFormat: to };
      accounts = await writePart(source, target);
    } finally {
      source.close();
    }
    // a journal that stayed would be applied to the new file, which it does not belong to
    for (const suffix of ["-journal", "-wal"]) refuseExisting(`${path}${suffix}`);
    keepOwner(path, part);
    const isOverwritten = await replace({ path, part, backupPath });
    return { from, backupPath, accounts, isOverwritten };
  } finally {
    await removePart(part);
  }
}

async function removePart(part: string): Promise<void> {
  for (const suffix of ["", "-journal"]) await removeIfThere(`${part}${suffix}`);
}

/** Whether a run that was killed has made the backup already: another name of the file. */
function isSameFile(path: string, backupPath: string): boolean {
  if (!exists(backupPath)) return false;
  const [file, backup] = [Deno.statSync(path), Deno.statSync(backupPath)];
  return file.ino === backup.ino && file.dev === backup.dev;
}

function refuseExisting(path: string): void {
  if (exists(path)) throw new KmsDbError("file", `Cannot convert: "${path}" must not be there`);
}

interface PartOptions {
  readonly path: string;
  readonly password: string;
  readonly suite: CryptoSuite;
  readonly newFormat: KmsDbFormat;
}

/** Writes the new file beside the old one and reads it back from disk as a kms would. */
async function writePart(source: KmsDb, options: PartOptions): Promise<KmsAccount[]> {
  createForOwnerOnly(options.path);
  const target = await openFile({ ...options, lock: null });
  try {
    target.copyAccounts(source);
  } finally {
    target.close();
  }
  const written = await openFile({ ...options, lock: null });
  try {
    written.verifyAccounts();
    const accounts = written.listAccounts();
    if (written.format !== options.newFormat || !areEqual(accounts, source.listAccounts())) {
      throw new KmsDbError("file", `Cannot convert: "${options.path}" differs from its source`);
    }
    return accounts;
  } finally {
    written.close();
  }
}

function areEqual(left: readonly KmsAccount[], right: readonly KmsAccount[]): boolean {
  return left.length === right.length && left.every((account, index) => {
    const other = right[index];
    return other !== undefined && account.keyId === other.keyId &&
      account.description === other.description && equalBytes(account.publicKey, other.publicKey);
  });
}

/** Run by root, the new file must still be the service's. */
function keepOwner(path: string, part: string): void {
  const [wanted, found] = [Deno.statSync(path), Deno.statSync(part)];
  if (wanted.uid === found.uid && wanted.gid === found.gid) return;
  Deno.chownSync(part, wanted.uid, wanted.gid);
}

/** Puts the new file in the place of the old one; gives whether the old one was overwritten. */
async function replace(
  { path, part, backupPath }: {
    readonly path: string;
    readonly part: string;
    readonly backupPath: string | null;
  },
): Promise<boolean> {
  syncFile(part);
  const old = Deno.openSync(path, { read: true, write: true });
  try {
    if (backupPath !== null) {
      if (!exists(backupPath)) Deno.linkSync(path, backupPath);
      Deno.chmodSync(backupPath, SECRET_MODE);
    }
    Deno.renameSync(part, path);
    await syncFolder(dirname(path));
    // only now: until the new name is on disk, the old blocks are the keys
    return overwrite(old);
  } finally {
    old.close();
  }
}

function syncFile(path: string): void {
  const file = Deno.openSync(path, { read: true, write: true });
  try {
    file.syncSync();
  } finally {
    file.close();
  }
}

/** Fills a file that has no name any more with zeros; nothing when it still has one. */
function overwrite(file: Deno.FsFile): boolean {
  const { nlink, size } = file.statSync();
  if (nlink !== 0) return false;
  file.seekSync(0, Deno.SeekMode.Start);
  const zeros = new Uint8Array(size);
  for (let written = 0; written < size;) written += file.writeSync(zeros.subarray(written));
  file.syncSync();
  return true;
}
