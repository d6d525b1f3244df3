/**
 * The layout of `<height>.log` (spec/consensus.md, section 6.2): each record is u32 LE body length,
 * u8 type, checksum of eight bytes over u64 LE body length and body, body.
 *
 * @module
 */

import { type Bytes, concatBytes, equalBytes } from "../../../../shared/bytes/mod.ts";
import { RecordType, type WalContent, type WalRecord } from "../core/interface.ts";
import { readOwnProposal, readOwnVote } from "../core/records.ts";
import { sipHash13 } from "./siphash.ts";

const HEADER_SIZE = 13;

/** Types that occur; 3 (FinalizeBlock) is in files of the reference only. */
const TYPE_MIN = RecordType.Propose;
const TYPE_MAX = RecordType.OwnProposal;

/** A tail of so many zeros is space that a file system added but never filled. */
const UNFILLED_SIZE_MIN = 32;

/** What a log file holds. */
export interface LogContent extends WalContent {
  /** Size up to the end of the last whole record: what follows was torn by a crash. */
  readonly goodSize: number;
}

/** The bytes to append for some records. */
export function encodeRecords(records: readonly WalRecord[]): Bytes {
  return concatBytes(...records.flatMap(({ type, body }) => [header(type, body), body]));
}

function header(type: number, body: Bytes): Bytes {
  const bytes = new Uint8Array(HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length, true);
  view.setUint8(4, type);
  bytes.set(checksum(body), 5);
  return bytes;
}

function checksum(body: Bytes): Bytes {
  const bytes = new Uint8Array(8 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length, true);
  bytes.set(body, 8);
  return sipHash13(bytes);
}

/**
 * Reads every whole record, also those behind damage. A record that a crash tore off at the end was
 * never acknowledged and is no damage; anything else that is lost is.
 */
export function readLog(bytes: Bytes): LogContent {
  const records: WalRecord[] = [];
  let isDamaged = false;
  let goodSize = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const record = recordAt(bytes, offset);
    if (record === null) {
      const next = nextRecord(bytes, offset + 1);
      if (next === null) break;
      isDamaged = true;
      offset = next;
      continue;
    }
    records.push(record);
    offset += HEADER_SIZE + record.body.length;
    goodSize = offset;
  }
  const tail = bytes.subarray(goodSize);
  return { records, isDamaged: isDamaged || !isTorn(tail), goodSize };
}

function recordAt(bytes: Bytes, offset: number): WalRecord | null {
  const left = bytes.length - offset - HEADER_SIZE;
  if (left < 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, HEADER_SIZE);
  const size = view.getUint32(0, true);
  const type = view.getUint8(4);
  if (size === 0 || size > left || type < TYPE_MIN || type > TYPE_MAX) return null;
  const bodyStart = offset + HEADER_SIZE;
  const body = bytes.slice(bodyStart, bodyStart + size);
  const sum = bytes.subarray(offset + 5, bodyStart);
  return equalBytes(sum, checksum(body)) ? { type, body } : null;
}

function nextRecord(bytes: Bytes, from: number): number | null {
  for (let offset = from; offset + HEADER_SIZE < bytes.length; offset++) {
    if (recordAt(bytes, offset) !== null) return offset;
  }
  return null;
}

/** Whether what follows the last whole record can be an append that a crash cut short. */
function isTorn(tail: Bytes): boolean {
  if (tail.length < HEADER_SIZE) return true;
  const end = tail.subarray(-UNFILLED_SIZE_MIN);
  if (end.length === UNFILLED_SIZE_MIN && end.every((byte) => byte === 0)) return true;
  const size = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (size <= tail.length - HEADER_SIZE) return false;
  // a wrong length makes a whole record look short
  const body = tail.subarray(HEADER_SIZE);
  return readOwnVote(body) === null && readOwnProposal(body) === null;
}
