import { mkdir, open, readdir, readFile, rename, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { WalContent, WalRecord } from "../core/interface.ts";
import { encodeRecords, readLog } from "./record_log.ts";

/** The log of own votes: every method resolves when its change is on disk. */
export interface WriteAheadLog {
  append(height: bigint, records: readonly WalRecord[]): Promise<void>;
  /** Makes a height the current one and drops logs that are no longer of use. */
  setHeight(height: bigint): Promise<void>;
  /** Drops every record. */
  erase(): Promise<void>;
}

/** What was found in the folder. */
export interface OpenedLog {
  readonly log: WriteAheadLog;
  /** The current height; null in a new folder. */
  readonly height: bigint | null;
  readonly contentByHeight: ReadonlyMap<bigint, WalContent>;
}

/** A folder that cannot be used as it is. */
export class LogFolderError extends Error {
  override name = "LogFolderError";
}

const INDEX_NAME = "index";

/** Logs of so many heights below the current one are kept, as the reference does. */
const HEIGHTS_KEPT = 8n;

/** Opens or creates the folder `wal_path` (spec/consensus.md, section 6.2). */
export async function openLogFolder(path: string): Promise<OpenedLog> {
  await mkdir(path, { recursive: true });
  const contentByHeight = new Map<bigint, WalContent>();
  for (const height of await heightsIn(path)) {
    contentByHeight.set(height, await loadLog(join(path, logName(height))));
  }
  return { log: new LogFolder(path), height: await readIndex(path), contentByHeight };
}

async function readIndex(path: string): Promise<bigint | null> {
  const text = await readFile(join(path, INDEX_NAME), "utf8").catch(noFile);
  if (text === null || text === "") return null;
  if (!/^\d{1,19}$/.test(text.trim())) {
    const place = `"${join(path, INDEX_NAME)}"`;
    throw new LogFolderError(`index file data wrong: ${place} must hold a height, got "${text}"`);
  }
  return BigInt(text.trim());
}

/** Cuts off what a crash left behind the last whole record, else the next one would be lost. */
async function loadLog(path: string): Promise<WalContent> {
  const bytes = new Uint8Array(await readFile(path));
  const content = readLog(bytes);
  if (!content.isDamaged && content.goodSize < bytes.length) {
    await truncate(path, content.goodSize);
    await syncFile(path);
  }
  return content;
}

class LogFolder implements WriteAheadLog {
  constructor(readonly path: string) {}

  async append(height: bigint, records: readonly WalRecord[]): Promise<void> {
    const file = await open(join(this.path, logName(height)), "a");
    try {
      const { size } = await file.stat();
      await writeAll(file, encodeRecords(records));
      await file.datasync();
      if (size === 0) await syncFile(this.path);
    } finally {
      await file.close();
    }
  }

  async setHeight(height: bigint): Promise<void> {
    await replaceFile(this.path, INDEX_NAME, new TextEncoder().encode(height.toString()));
    for (const other of await heightsIn(this.path)) {
      if (other + HEIGHTS_KEPT < height) await rm(join(this.path, logName(other)), { force: true });
    }
  }

  async erase(): Promise<void> {
    for (const height of await heightsIn(this.path)) {
      await rm(join(this.path, logName(height)), { force: true });
    }
    await syncFile(this.path);
  }
}

function logName(height: bigint): string {
  return `${height}.log`;
}

async function heightsIn(path: string): Promise<bigint[]> {
  return (await readdir(path)).flatMap((name) => {
    const digits = /^(\d{1,19})\.log$/.exec(name)?.[1];
    return digits === undefined ? [] : [BigInt(digits)];
  });
}

/** Replaces a file as a whole: a crash leaves the old or the new content, never a part. */
export async function replaceFile(folder: string, name: string, bytes: Bytes): Promise<void> {
  const temporary = join(folder, `${name}.tmp`);
  const file = await open(temporary, "w");
  try {
    await writeAll(file, bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  await syncFile(folder);
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Bytes): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes.subarray(done))).bytesWritten;
  }
}

/** Puts a file, or the entries of a folder, on disk. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Reading a file that is not there is an answer; any other error is one. */
export function noFile(error: unknown): null {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
  throw error;
}
