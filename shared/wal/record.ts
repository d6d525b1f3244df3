import { type Bytes, concatBytes, equalBytes } from "../bytes/mod.ts";
import { sipHash13OfSlice } from "./sip_hash.ts";

/** One entry of a log. */
export interface WalRecord {
  /** 0 to 255; its meaning is the owner's. */
  readonly type: number;
  readonly body: Bytes;
}

/** u32 LE body length, u8 type, checksum of eight bytes. */
export const RECORD_HEADER_SIZE = 4 + 1 + 8;

/** A record as it is on disk (spec/consensus.md, section 6.2). */
export function encodeRecord({ type, body }: WalRecord): Bytes {
  const header = new Uint8Array(RECORD_HEADER_SIZE);
  const view = new DataView(header.buffer);
  view.setUint32(0, body.length, true);
  view.setUint8(4, type);
  header.set(sipHash13OfSlice(body), 5);
  return concatBytes(header, body);
}

/** Whether a log may hold records of a type. */
export type IsType = (type: number) => boolean;

/** Bytes that look like headers may make a reader hash in vain so many times what the log has, ... */
const HASHED_RATIO_MAX = 4;

/** ... and this, which takes no time. */
const HASHED_SIZE_MIN = 1 << 20;

/** Hashing the shortest record costs as much as so many bytes of a long one. */
const HASH_OVERHEAD = 128;

/** Looks for records in a log. */
class RecordFinder {
  readonly #view: DataView;
  #hashableSize: number;

  constructor(readonly bytes: Bytes, readonly isType: IsType) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#hashableSize = HASHED_SIZE_MIN + HASHED_RATIO_MAX * bytes.length;
  }

  /** Whether it has given up: what there is beyond remains unknown. */
  get isTired(): boolean {
    return this.#hashableSize < 0;
  }

  /** Where the next whole record starts; null when there is none. */
  next(offset: number): number | null {
    const { bytes } = this;
    if (this.isWhole(offset)) return offset;
    if (offset + RECORD_HEADER_SIZE > bytes.length) return null;
    // what is inside of a damaged record is no record, whoever made up the transactions in it
    const end = this.endOf(offset);
    if (end === bytes.length) return null;
    if (this.isWhole(end)) return end;
    const last = bytes.length - RECORD_HEADER_SIZE;
    for (let at = offset + 1; at < last && !this.isTired; at++) if (this.isWhole(at)) return at;
    return null;
  }

  /** Whether the record that starts at an offset is all there, not empty and undamaged. */
  isWhole(offset: number): boolean {
    const { bytes } = this;
    const bodyStart = offset + RECORD_HEADER_SIZE;
    if (bodyStart >= bytes.length || this.isTired) return false;
    const end = this.endOf(offset);
    if (end === bodyStart || end > bytes.length) return false;
    if (!this.isType(this.#view.getUint8(offset + 4))) return false;
    const sum = bytes.subarray(offset + 5, bodyStart);
    const isUndamaged = equalBytes(sum, sipHash13OfSlice(bytes.subarray(bodyStart, end)));
    if (!isUndamaged) this.#hashableSize -= HASH_OVERHEAD + end - bodyStart;
    return isUndamaged;
  }

  /** Where a record ends by its own account. */
  endOf(offset: number): number {
    return offset + RECORD_HEADER_SIZE + this.#view.getUint32(offset, true);
  }

  recordAt(offset: number): WalRecord {
    const body = this.bytes.slice(offset + RECORD_HEADER_SIZE, this.endOf(offset));
    return { type: this.#view.getUint8(offset + 4), body };
  }
}

/** The whole records at the start of a log. */
export interface WholeRecords {
  readonly records: readonly WalRecord[];
  /** Size up to their end: a crash tore what follows, or it is damaged. */
  readonly goodSize: number;
}

/** Reads records up to the end of a log or the first one that is not whole. */
export function readRecords(bytes: Bytes): WholeRecords {
  const finder = new RecordFinder(bytes, () => true);
  const records: WalRecord[] = [];
  let goodSize = 0;
  for (; finder.isWhole(goodSize); goodSize = finder.endOf(goodSize)) {
    records.push(finder.recordAt(goodSize));
  }
  return { records, goodSize };
}

/** All whole records of a log. */
export interface SalvagedRecords extends WholeRecords {
  /** Whether something before the last one cannot be read, or the search for more was given up. */
  readonly hasGap: boolean;
}

/**
 * Reads every whole record, also those behind damage.
 *
 * @param isType the checksum does not cover the type, so an unknown one is damage too
 */
export function salvageRecords(bytes: Bytes, isType: IsType): SalvagedRecords {
  const finder = new RecordFinder(bytes, isType);
  const records: WalRecord[] = [];
  let hasGap = false;
  let goodSize = 0;
  for (let at = finder.next(0); at !== null; at = finder.next(goodSize)) {
    hasGap ||= at > goodSize;
    records.push(finder.recordAt(at));
    goodSize = finder.endOf(at);
  }
  return { records, goodSize, hasGap: hasGap || finder.isTired };
}
