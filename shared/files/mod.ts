/**
 * Files that a crash must not leave half written.
 *
 * @module
 */

import type { Bytes } from "../bytes/mod.ts";
import { basename, dirname } from "node:path";

/** Mode of files that may hold a key or a password. */
export const SECRET_MODE = 0o600;

/** Mode of all other files. */
export const PLAIN_MODE = 0o644;

/** What `Deno.makeTempFile` adds to the name of a file that is being written. */
const IS_RANDOM = /^[0-9a-f]{8,16}$/;

const TEXT_ENCODER = new TextEncoder();

/** Replaces a file as a whole: after a crash it has the old or the new content, synced. */
export async function replaceFile(
  path: string,
  content: Bytes | string,
  mode: number,
): Promise<void> {
  const temporary = await writeBeside(path, content, mode);
  try {
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** As {@linkcode replaceFile}, but throws `Deno.errors.AlreadyExists` when the file is there. */
export async function createFile(
  path: string,
  content: Bytes | string,
  mode: number,
): Promise<void> {
  const temporary = await writeBeside(path, content, mode);
  try {
    await Deno.link(temporary, path);
  } finally {
    await Deno.remove(temporary);
  }
  await syncFolder(dirname(path));
}

async function writeBeside(path: string, content: Bytes | string, mode: number): Promise<string> {
  const bytes = typeof content === "string" ? TEXT_ENCODER.encode(content) : content;
  const folder = dirname(path);
  const temporary = await Deno.makeTempFile({ dir: folder, prefix: `${basename(path)}.` });
  try {
    await Deno.chmod(temporary, mode);
    await writeSynced(temporary, bytes);
  } catch (error) {
    await Deno.remove(temporary);
    throw error;
  }
  return temporary;
}

async function writeSynced(path: string, bytes: Bytes): Promise<void> {
  const file = await Deno.open(path, { write: true });
  try {
    await writeAll(file, bytes);
    await file.syncData();
  } finally {
    file.close();
  }
}

/**
 * Appends to a file, creating it when absent; resolves when the bytes are on disk. When it rejects
 * the file is as long as before, so that the next append is not behind a part of this one.
 */
export async function appendSynced(path: string, bytes: Bytes, mode = PLAIN_MODE): Promise<void> {
  const file = await Deno.open(path, { create: true, append: true, mode });
  try {
    const { size } = await file.stat();
    try {
      await writeAll(file, bytes);
      await file.syncData();
    } catch (error) {
      await file.truncate(size);
      throw error;
    }
    if (size === 0) await syncFolder(dirname(path)); // a new file's name must last too
  } finally {
    file.close();
  }
}

/**
 * Writes behind the first `size` bytes of a file, in place of whatever is there, and resolves when
 * that is on disk. From 0 the file is created when absent; else it must be there and as long.
 */
export async function writeAt(
  path: string,
  size: number,
  bytes: Bytes,
  mode = PLAIN_MODE,
): Promise<void> {
  const isStart = size === 0;
  const file = await Deno.open(path, { write: true, create: isStart, mode });
  try {
    const { size: sizeBefore } = await file.stat();
    if (sizeBefore < size) throw new Error(`"${path}" has ${sizeBefore} bytes instead of ${size}`);
    if (sizeBefore > size) await file.truncate(size);
    await file.seek(size, Deno.SeekMode.Start);
    await writeAll(file, bytes);
    await file.syncData();
    if (isStart) await syncFolder(dirname(path)); // a new file's name must last too
  } finally {
    file.close();
  }
}

async function writeAll(file: Deno.FsFile, bytes: Bytes): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/** Makes a folder, and those above it, when absent; their names are on disk when this resolves. */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  const parent = dirname(path);
  try {
    await Deno.mkdir(path, { mode });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists && (await Deno.stat(path)).isDirectory) return;
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await makeFolder(parent, mode);
    await Deno.mkdir(path, { mode });
  }
  await syncFolder(parent);
}

/** Removes what a process left beside a file that was killed while it replaced it. */
export async function removeTemporaries(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for await (const { name } of Deno.readDir(folder)) {
    const isTemporary = name.startsWith(prefix) && IS_RANDOM.test(name.slice(prefix.length));
    if (isTemporary) await removeIfThere(`${folder}/${name}`);
  }
}

/** Puts the names in a folder on disk. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await Deno.open(path);
  try {
    await folder.sync();
  } finally {
    folder.close();
  }
}

/** Whether a write failed because the disk or the quota of the user is full: it may have room later. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOSPC" || error.code === "EDQUOT";
}

/** The content of a file; null when it is not there. */
export async function readIfThere(path: string): Promise<Bytes | null> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Removes a file or a folder with all in it; one that is absent already is no error. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether anything is at a path, a link that leads nowhere included. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
