import { LogFolder } from "../../../../shared/wal/mod.ts";
import type { WalContent, WalRecord } from "../core/interface.ts";
import { readLog } from "./record_log.ts";

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
  readonly wal: WriteAheadLog;
  /** The current height; null in a new folder. */
  readonly height: bigint | null;
  readonly contentByHeight: ReadonlyMap<bigint, WalContent>;
}

/** Opens or creates the folder `wal_path` and reads every log in it. */
export async function openLog(path: string): Promise<OpenedLog> {
  const wal = await LogFolder.open(path);
  const contentByHeight = new Map<bigint, WalContent>();
  for (const height of await wal.heights()) {
    const bytes = await wal.read(height);
    const content = readLog(bytes);
    // a damaged log stays as it is: what is missing must be noticed after the next start too
    const isTorn = !content.isDamaged && content.goodSize < bytes.length;
    if (isTorn) await wal.cut(height, content.goodSize);
    contentByHeight.set(height, content);
  }
  return { wal, height: wal.height, contentByHeight };
}
