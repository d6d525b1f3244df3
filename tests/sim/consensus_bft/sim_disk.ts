import { type Bytes, concatBytes, EMPTY_BYTES } from "../../../shared/bytes/mod.ts";
import type {
  Input,
  WalContent,
  WalRecord,
} from "../../../services/consensus/bft/core/interface.ts";
import type { Authorities } from "../../../services/consensus/bft/core/validators.ts";
import { encodeRecords, readLog } from "../../../services/consensus/bft/wal/record_log.ts";

/** The log of a height: bytes that were looked at, and appended records that nobody has read yet. */
interface SimLog {
  bytes: Bytes;
  readonly appended: WalRecord[];
}

/** Logs that lie further below the current height are dropped, as by the real log folder. */
const KEPT_HEIGHTS = 8n;

/** What a node's consensus has on disk: it outlives crashes. */
export class SimDisk {
  #height: bigint | null = null;
  #authorities: Authorities | null = null;
  readonly #logs = new Map<bigint, SimLog>();

  append(height: bigint, records: readonly WalRecord[]): void {
    this.#logOf(height).appended.push(...records);
  }

  /** A crash in the middle of an append leaves a part of it. */
  appendTorn(height: bigint, records: readonly WalRecord[], share: number): void {
    const bytes = encodeRecords(records);
    const torn = bytes.subarray(0, Math.floor(bytes.length * share));
    const log = this.#logOf(height);
    log.bytes = concatBytes(bytesOf(log), torn);
  }

  setHeight(height: bigint): void {
    this.#height = height;
    for (const other of this.#logs.keys()) {
      if (other + KEPT_HEIGHTS < height) this.#logs.delete(other);
    }
  }

  erase(): void {
    this.#logs.clear();
  }

  saveAuthorities(authorities: Authorities): void {
    this.#authorities = authorities;
  }

  /** Loses everything, as when the data folder is deleted. */
  wipe(): void {
    this.#height = null;
    this.#authorities = null;
    this.#logs.clear();
  }

  /** Flips a bit of the current log; false when it is empty. */
  flipBit(position: number): boolean {
    const log = this.#logs.get(this.#height ?? 0n);
    const bytes = log === undefined ? EMPTY_BYTES : bytesOf(log);
    if (bytes.length === 0) return false;
    const index = Math.floor(position * bytes.length);
    bytes[index] = (bytes[index] ?? 0) ^ (1 << (index % 8));
    return true;
  }

  /** What a restarted service reads; torn ends are cut off as the real one does. */
  load(): Extract<Input, { kind: "start" }> {
    const contentByHeight = new Map<bigint, WalContent>();
    for (const [height, log] of this.#logs) {
      const content = readLog(bytesOf(log));
      if (!content.isDamaged) log.bytes = log.bytes.slice(0, content.goodSize);
      contentByHeight.set(height, content);
    }
    return {
      kind: "start",
      height: this.#height,
      authorities: this.#authorities,
      contentByHeight,
    };
  }

  #logOf(height: bigint): SimLog {
    const known = this.#logs.get(height);
    if (known !== undefined) return known;
    const log: SimLog = { bytes: EMPTY_BYTES, appended: [] };
    this.#logs.set(height, log);
    return log;
  }
}

/** Everything in a log, encoded. */
function bytesOf(log: SimLog): Bytes {
  log.bytes = concatBytes(log.bytes, encodeRecords(log.appended.splice(0)));
  return log.bytes;
}
