/**
 * What is written to the raft log at once, sealed so that a reader can tell whether all of it is
 * there. The records of the reference have no checksum: of an entry whose last page a power loss
 * left empty, it reads zeros.
 *
 * A batch begins with a header: a HardState record that repeats what is in force, with one field
 * more, the seal. Readers of the reference skip a field that they do not know, and learn nothing
 * new from the others. Seal: u32 LE size of the records behind the header, their SipHash-1-3, and
 * that of the header itself with its place in the file, which no other bytes can stand for.
 *
 * Records outside of batches are of the reference, or of this program before it had seals.
 *
 * @module
 */

import { HardState } from "../../../../proto/gen/eraftpb.ts";
import { type Bytes, equalBytes, isZero, joinBytes, u64be } from "../../../../shared/bytes/mod.ts";
import { BinaryReader, BinaryWriter, encode } from "../../../../shared/codec/mod.ts";
import { sipHash13 } from "../../../../shared/wal/mod.ts";
import {
  decodeOperations,
  encodeOperations,
  Kind,
  type Operation,
  operationAt,
} from "./operation.ts";

/** The highest number that a field can have: those who extend HardState begin at the lowest. */
const SEAL_FIELD = 0x1fff_ffff;

const SIZE_SIZE = 4;
const SUM_SIZE = 8;
const SEAL_SIZE = SIZE_SIZE + 2 * SUM_SIZE;

/** Kind and length of the record; the length is below 128, a single byte. */
const PREFIX_SIZE = 2;

/** Field number, wire type and length, which precede each seal. */
const SEAL_MARK = new BinaryWriter().uint32(((SEAL_FIELD << 3) | 2) >>> 0).uint32(SEAL_SIZE)
  .finish();

/** The least that a disk writes at once. */
const PAGE_SIZE = 512;

/** What a header tells. */
interface Header {
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly bodySum: Bytes;
}

/** The bytes of a batch. */
export function encodeBatch(
  operations: readonly Operation[],
  { hardState, offset }: { readonly hardState: HardState; readonly offset: number },
): Bytes {
  const body = encodeOperations(operations);
  const fields = encode(HardState, hardState);
  const size = new Uint8Array(SIZE_SIZE);
  new DataView(size.buffer).setUint32(0, body.length, true);
  const told = joinBytes([size, sipHash13(body)]);
  const length = SEAL_MARK.length + SEAL_SIZE + fields.length;
  const prefix = Uint8Array.of(Kind.HardState, length);
  return joinBytes([prefix, SEAL_MARK, told, headerSum(offset, told, fields), fields, body]);
}

function headerSum(offset: number, told: Bytes, fields: Bytes): Bytes {
  return sipHash13(joinBytes([u64be(BigInt(offset)), told, fields]));
}

/** The header that starts at an offset; null unless it is whole and was written there. */
function headerAt(bytes: Bytes, offset: number): Header | null {
  const start = offset + PREFIX_SIZE;
  const bodyStart = start + (bytes[offset + 1] ?? 0);
  const told = start + SEAL_MARK.length;
  const sum = told + SIZE_SIZE + SUM_SIZE;
  const fields = sum + SUM_SIZE;
  if (bodyStart > bytes.length || bodyStart < fields || !isMarked(bytes, offset)) return null;
  const ownSum = headerSum(offset, bytes.subarray(told, sum), bytes.subarray(fields, bodyStart));
  if (!equalBytes(bytes.subarray(sum, fields), ownSum)) return null;
  const size = new DataView(bytes.buffer, bytes.byteOffset + told).getUint32(0, true);
  const bodySum = bytes.subarray(told + SIZE_SIZE, sum);
  return { bodyStart, bodyEnd: bodyStart + size, bodySum };
}

function isMarked(bytes: Bytes, offset: number): boolean {
  return bytes[offset] === Kind.HardState && hasMark(bytes, offset);
}

/** Whether there is the mark of a header, whatever is before it. */
function hasMark(bytes: Bytes, offset: number): boolean {
  const start = offset + PREFIX_SIZE;
  return equalBytes(bytes.subarray(start, start + SEAL_MARK.length), SEAL_MARK);
}

/** The content of a log file. */
export interface LogContent {
  readonly operations: readonly Operation[];
  /** Where the last whole batch or record ends. */
  readonly goodSize: number;
  /** Whether what follows can be a write that a crash cut short; else it was relied on. */
  readonly isTorn: boolean;
}

/** Reads a log up to its end or the first batch or record that is cut off or damaged. */
export function readLog(bytes: Bytes): LogContent {
  const operations: Operation[] = [];
  let goodSize = 0;
  let sealedSize = 0;
  while (goodSize < bytes.length) {
    const header = headerAt(bytes, goodSize);
    const part = header === null ? recordAt(bytes, goodSize) : bodyOf(bytes, header);
    if (part === null || isEmptied(bytes, goodSize) && operations.some(isHardState)) break;
    for (const operation of part.operations) operations.push(operation);
    goodSize = part.end;
    if (header !== null) sealedSize = goodSize;
  }
  const isTorn = goodSize < bytes.length && isUnfinished(bytes, { goodSize, sealedSize });
  return { operations, goodSize, isTorn };
}

/** Whether nothing but a single write is missing, of which only a part reached the disk. */
function isUnfinished(
  bytes: Bytes,
  { goodSize, sealedSize }: { readonly goodSize: number; readonly sealedSize: number },
): boolean {
  const header = headerAt(bytes, goodSize);
  if (header !== null) {
    // what a batch holds is no batch that follows it, whoever made up the transactions in it
    const { bodyEnd } = header;
    return bodyEnd > bytes.length || bodyEnd === bytes.length && hasEmptyPage(bytes, goodSize);
  }
  if (isFollowedByBatch(bytes, goodSize)) return false;
  const isPageLost = hasEmptyPage(bytes, goodSize);
  // the rest is of the reference, or of a batch whose header looks like a record of the reference
  if (!hasMark(bytes, sealedSize)) return isPageLost || !isFollowedByRecord(bytes, goodSize);
  return goodSize === sealedSize && (isPageLost || isHeaderCut(bytes, goodSize));
}

/** Whether a file ends within a header. */
function isHeaderCut(bytes: Bytes, offset: number): boolean {
  const left = bytes.length - offset;
  if (left < PREFIX_SIZE + SEAL_MARK.length + SEAL_SIZE) return true;
  return isMarked(bytes, offset) && left < PREFIX_SIZE + (bytes[offset + 1] ?? 0);
}

/** Whether the end of a file has space that was never filled. */
function hasEmptyPage(bytes: Bytes, offset: number): boolean {
  for (let start = offset; start < bytes.length;) {
    const end = start + PAGE_SIZE - (start % PAGE_SIZE);
    if (isZero(bytes.subarray(start, end))) return true;
    start = end;
  }
  return false;
}

/** Some records and where they end. */
interface Part {
  readonly operations: readonly Operation[];
  readonly end: number;
}

/** A hard state without a term is only the first one, later the start of a header whose page is lost. */
function isEmptied(bytes: Bytes, offset: number): boolean {
  return bytes[offset] === Kind.HardState && bytes[offset + 1] === 0;
}

function isHardState({ kind }: Operation): boolean {
  return kind === Kind.HardState;
}

/** All records of a batch, or none. */
function bodyOf(bytes: Bytes, { bodyStart, bodyEnd, bodySum }: Header): Part | null {
  const body = bytes.subarray(bodyStart, bodyEnd);
  if (bodyEnd > bytes.length || !equalBytes(sipHash13(body), bodySum)) return null;
  const operations = decodeOperations(body);
  return operations && { operations, end: bodyEnd };
}

/** A record outside of batches. */
function recordAt(bytes: Bytes, offset: number): Part | null {
  const placed = operationAt(bytes, offset);
  return placed && { operations: [placed.operation], end: placed.end };
}

function isFollowedByBatch(bytes: Bytes, offset: number): boolean {
  const [first = 0] = SEAL_MARK;
  for (let at = bytes.indexOf(first, offset); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (headerAt(bytes, at - PREFIX_SIZE) !== null) return true;
  }
  return false;
}

/** As far as a log without checksums tells: of a damaged record the length may still be right. */
function isFollowedByRecord(bytes: Bytes, offset: number): boolean {
  if (bytes[offset] === Kind.Append) return false; // has no length
  const reader = new BinaryReader(bytes);
  reader.pos = offset + 1;
  try {
    const length = reader.uint32();
    return operationAt(bytes, reader.pos + length) !== null;
  } catch {
    return false; // no length either
  }
}
