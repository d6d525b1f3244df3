import { type Bytes, concatBytes, EMPTY_BYTES } from "../../../shared/bytes/mod.ts";
import type {
  Input,
  WalContent,
  WalRecord,
} from "../../../services/consensus/bft/core/interface.ts";
import type { Authorities } from "../../../services/consensus/bft/core/validators.ts";
import { encodeRecords, readLog } from "../../../services/consensus/bft/wal/record_log.ts";

/** What a node's consensus has on disk: it outlives crashes. */
export class SimDisk {
  #height: bigint | null = null;
  #authorities: Authorities | null = null;
  readonly #logs = new Map<bigint, Bytes>();

  append(height: bigint, records: readonly WalRecord[]): void {
    this.#appendBytes(height, encodeRecords(records));
  }

  /** A crash in the middle of an append leaves a part of it. */
  appendTorn(height: bigint, records: readonly WalRecord[], share: number): void {
    const bytes = encodeRecords(records);
    this.#appendBytes(height, bytes.subarray(0, Math.floor(bytes.length * share)));
  }

  setHeight(height: bigint): void {
    this.#height = height;
    for (const other of this.#logs.keys()) if (other + 8n < height) this.#logs.delete(other);
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
    if (log === undefined || log.length === 0) return false;
    const index = Math.floor(position * log.length);
    log[index] = (log[index] ?? 0) ^ (1 << (index % 8));
    return true;
  }

  /** What a restarted service reads; torn ends are cut off as the real one does. */
  load(): Extract<Input, { kind: "start" }> {
    const contentByHeight = new Map<bigint, WalContent>();
    for (const [height, bytes] of this.#logs) {
      const content = readLog(bytes);
      if (!content.isDamaged) this.#logs.set(height, bytes.slice(0, content.goodSize));
      contentByHeight.set(height, content);
    }
    return {
      kind: "start",
      height: this.#height,
      authorities: this.#authorities,
      contentByHeight,
    };
  }

  #appendBytes(height: bigint, bytes: Bytes): void {
    this.#logs.set(height, concatBytes(this.#logs.get(height) ?? EMPTY_BYTES, bytes));
  }
}
