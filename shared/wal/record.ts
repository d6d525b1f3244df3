import { type Bytes, concatBytes, equalBytes } from "../bytes/mod.ts";
import { sipHash13 } from "./sip_hash.ts";

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
  header.set(checksum(body), 5);
  return concatBytes(header, body);
}

/** Covers the length as u64 LE and the body. */
function checksum(body: Bytes): Bytes {
  const bytes = new Uint8Array(8 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length, true);
  bytes.set(body, 8);
  return sipHash13(bytes);
}

/** Whether a log may hold records of a type. */
export type IsType = (type: number) => boolean;

/** The record that starts at an offset; null unless it is whole, not empty and undamaged. */
function recordAt(bytes: Bytes, offset: number, isType: IsType): WalRecord | null {
  const left = bytes.length - offset - RECORD_HEADER_SIZE;
  if (left < 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_SIZE);
  const size = view.getUint32(0, true);
  const type = view.getUint8(4);
  if (size === 0 || size > left || !isType(type)) return null;
  const bodyStart = offset + RECORD_HEADER_SIZE;
  const body = bytes.slice(bodyStart, bodyStart + size);
  const sum = bytes.subarray(offset + 5, bodyStart);
  return equalBytes(sum, checksum(body)) ? { type, body } : null;
}

/** The whole records at the start of a log. */
export interface WholeRecords {
  readonly records: readonly WalRecord[];
  /** Size up to their end: a crash tore what follows, or it is damaged. */
  readonly goodSize: number;
}

/** Reads records up to the end of a log or the first one that is not whole. */
export function readRecords(bytes: Bytes): WholeRecords {
  const records: WalRecord[] = [];
  let goodSize = 0;
  for (;;) {
    const record = recordAt(bytes, goodSize, () => true);
    if (record === null) return { records, goodSize };
    records.push(record);
    goodSize += RECORD_HEADER_SIZE + record.body.length;
  }
}

/** All whole records of a log. */
export interface SalvagedRecords extends WholeRecords {
  /** Whether something before the last one cannot be read. */
  readonly hasGap: boolean;
}

/**
 * Reads every whole record, also those behind damage.
 *
 * @param isType the checksum does not cover the type, so an unknown one is damage too
 */
export function salvageRecords(bytes: Bytes, isType: IsType): SalvagedRecords {
  const records: WalRecord[] = [];
  let hasGap = false;
  let goodSize = 0;
  for (let offset = 0; offset + RECORD_HEADER_SIZE < bytes.length;) {
    const record = recordAt(bytes, offset, isType);
    if (record === null) {
      offset++;
      continue;
    }
    hasGap ||= offset > goodSize;
    records.push(record);
    offset += RECORD_HEADER_SIZE + record.body.length;
    goodSize = offset;
  }
  return { records, goodSize, hasGap };
}
