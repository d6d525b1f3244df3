/**
 * Reading the log of own votes back, whatever happened to the file (spec/consensus.md, 6.2).
 *
 * @module
 */

import { type Bytes, concatBytes } from "../../../../shared/bytes/mod.ts";
import { encodeRecord, RECORD_HEADER_SIZE, salvageRecords } from "../../../../shared/wal/mod.ts";
import { RecordType, type WalContent, type WalRecord } from "../core/interface.ts";
import { readOwnProposal, readOwnVote } from "../core/records.ts";

/** Types that occur. */
const TYPE_MIN = RecordType.Skip;
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
  return concatBytes(...records.map(encodeRecord));
}

/**
 * Reads every whole record, also those behind damage. A record that a crash tore off at the end was
 * never acknowledged and is no damage; anything else that is lost is.
 */
export function readLog(bytes: Bytes): LogContent {
  const { records, goodSize, hasGap } = salvageRecords(bytes, isKnown);
  return { records, isDamaged: hasGap || !isTorn(bytes.subarray(goodSize)), goodSize };
}

function isKnown(type: number): boolean {
  return type >= TYPE_MIN && type <= TYPE_MAX;
}

/** Whether what follows the last whole record can be an append that a crash cut short. */
function isTorn(tail: Bytes): boolean {
  if (tail.length < RECORD_HEADER_SIZE) return true;
  const end = tail.subarray(-UNFILLED_SIZE_MIN);
  if (end.length === UNFILLED_SIZE_MIN && end.every((byte) => byte === 0)) return true;
  const size = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (size <= tail.length - RECORD_HEADER_SIZE) return false;
  // a wrong length makes a whole record look short
  const body = tail.subarray(RECORD_HEADER_SIZE);
  return readOwnVote(body) === null && readOwnProposal(body) === null;
}
