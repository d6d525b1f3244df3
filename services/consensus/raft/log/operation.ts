/**
 * The records of the raft log in the layout of the reference (spec/consensus.md, section 12.1): u8
 * kind, payload. There is no checksum; batch.ts adds one.
 *
 * @module
 */

import { ConsensusConfiguration } from "../../../../proto/gen/common.ts";
import { ConfState, Entry, HardState, Snapshot } from "../../../../proto/gen/eraftpb.ts";
import { unreachable } from "../../../../shared/assert/mod.ts";
import {
  type Bytes,
  equalBytes,
  joinBytes,
  readU64be,
  u64be,
} from "../../../../shared/bytes/mod.ts";
import {
  BinaryReader,
  BinaryWriter,
  encode,
  type MessageCodec,
} from "../../../../shared/codec/mod.ts";

/** A change of what a node remembers; the value of `kind` is that in the file. */
export type Operation =
  | { readonly kind: typeof Kind.HardState; readonly hardState: HardState }
  | { readonly kind: typeof Kind.ConfState; readonly confState: ConfState }
  | { readonly kind: typeof Kind.Snapshot; readonly snapshot: Snapshot }
  | { readonly kind: typeof Kind.Append; readonly entries: readonly Entry[] }
  | { readonly kind: typeof Kind.Applied; readonly index: bigint }
  | { readonly kind: typeof Kind.BlockHeight; readonly height: bigint }
  | { readonly kind: typeof Kind.Configuration; readonly configuration: ConsensusConfiguration };

/** Kinds of records. */
export const Kind = {
  HardState: 1,
  ConfState: 2,
  Snapshot: 3,
  Append: 4,
  Applied: 5,
  BlockHeight: 6,
  Configuration: 7,
} as const;

/** The bytes of some records. */
export function encodeOperations(operations: readonly Operation[]): Bytes {
  return joinBytes(operations.flatMap((operation) => [
    Uint8Array.of(operation.kind),
    payloadOf(operation),
  ]));
}

function payloadOf(operation: Operation): Bytes {
  switch (operation.kind) {
    case Kind.HardState:
      return delimited(HardState, operation.hardState);
    case Kind.ConfState:
      return delimited(ConfState, operation.confState);
    case Kind.Snapshot:
      return delimited(Snapshot, operation.snapshot);
    case Kind.Append: {
      const count = new BinaryWriter().uint32(operation.entries.length).finish();
      return joinBytes([count, ...operation.entries.map((entry) => delimited(Entry, entry))]);
    }
    case Kind.Applied:
      return u64be(operation.index);
    case Kind.BlockHeight:
      return u64be(operation.height);
    case Kind.Configuration:
      return delimited(ConsensusConfiguration, operation.configuration);
    default:
      return unreachable(operation);
  }
}

function delimited<Message>(codec: MessageCodec<Message>, message: Message): Bytes {
  return new BinaryWriter().bytes(encode(codec, message)).finish();
}

/** A record and where it ends. */
interface PlacedOperation {
  readonly operation: Operation;
  readonly end: number;
}

/** The record that starts at an offset; null when it is cut off or not as it was written. */
export function operationAt(bytes: Bytes, offset: number): PlacedOperation | null {
  const reader = new BinaryReader(bytes);
  reader.pos = offset;
  const operation = tryRead(reader, bytes);
  if (operation === null) return null;
  // messages skip what they do not know: damage could make one look like another, or emptier
  const written = bytes.subarray(offset, reader.pos);
  return equalBytes(written, encodeOperations([operation])) ? { operation, end: reader.pos } : null;
}

/** The records that some bytes consist of; null when they consist of anything else. */
export function decodeOperations(bytes: Bytes): Operation[] | null {
  const reader = new BinaryReader(bytes);
  const operations: Operation[] = [];
  while (reader.pos < bytes.length) {
    const operation = tryRead(reader, bytes);
    if (operation === null) return null;
    operations.push(operation);
  }
  return operations;
}

function tryRead(reader: BinaryReader, bytes: Bytes): Operation | null {
  try {
    return readOperation(reader, bytes);
  } catch {
    return null; // reading only throws for malformed bytes
  }
}

function readOperation(reader: BinaryReader, bytes: Bytes): Operation | null {
  const kind = bytes[reader.pos++];
  switch (kind) {
    case Kind.HardState:
      return { kind, hardState: HardState.decode(reader.bytes()) };
    case Kind.ConfState:
      return { kind, confState: ConfState.decode(reader.bytes()) };
    case Kind.Snapshot:
      return { kind, snapshot: Snapshot.decode(reader.bytes()) };
    case Kind.Append:
      return { kind, entries: readEntries(reader) };
    case Kind.Applied:
      return { kind, index: readNumber(reader, bytes) };
    case Kind.BlockHeight:
      return { kind, height: readNumber(reader, bytes) };
    case Kind.Configuration:
      return { kind, configuration: ConsensusConfiguration.decode(reader.bytes()) };
    default:
      return null;
  }
}

function readEntries(reader: BinaryReader): Entry[] {
  const count = reader.uint32();
  const entries: Entry[] = [];
  // a wrong count runs into the end of the file
  while (entries.length < count) entries.push(Entry.decode(reader.bytes()));
  return entries;
}

function readNumber(reader: BinaryReader, bytes: Bytes): bigint {
  const number = readU64be(bytes, reader.pos);
  reader.pos += 8;
  return number;
}
