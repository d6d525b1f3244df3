import { type Bytes, concatBytes, equalBytes } from "../../../shared/bytes/mod.ts";
import { sipHash13 } from "./siphash.ts";

/** Type of the only records that a controller writes. */
export const FINALIZE_BLOCK = 3;

/** Length u32 LE, type u8, checksum u64 LE. */
const HEADER_SIZE = 4 + 1 + 8;

/** A record as it is on disk (spec/controller.md, 18). */
export function encodeRecord(type: number, body: Bytes): Bytes {
  const header = new Uint8Array(HEADER_SIZE);
  new DataView(header.buffer).setUint32(0, body.length, true);
  header[4] = type;
  header.set(checksum(body), 5);
  return concatBytes(header, body);
}

function checksum(body: Bytes): Bytes {
  const size = new Uint8Array(8);
  new DataView(size.buffer).setUint32(0, body.length, true);
  return sipHash13(size, body);
}

/** A record that was read. */
export interface WalRecord {
  readonly type: number;
  readonly body: Bytes;
}

/** The records of a file up to its end or the first one that was not written completely. */
export function decodeRecords(file: Bytes): WalRecord[] {
  const records: WalRecord[] = [];
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + HEADER_SIZE <= file.length;) {
    const end = at + HEADER_SIZE + view.getUint32(at, true);
    if (end > file.length) break;
    const body = file.subarray(at + HEADER_SIZE, end);
    if (!equalBytes(checksum(body), file.subarray(at + 5, at + HEADER_SIZE))) break;
    records.push({ type: view.getUint8(at + 4), body });
    at = end;
  }
  return records;
}
