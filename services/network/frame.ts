import { NetworkMsg } from "../../proto/gen/network.ts";
import { type Bytes, concatBytes, EMPTY_BYTES } from "../../shared/bytes/mod.ts";
import { BinaryReader, DecodeError, encode } from "../../shared/codec/mod.ts";
import { PREFIX_SIZE } from "./core/frame_reader.ts";
import { type Lane, laneOf } from "./core/lane.ts";

/** A message as every flavour puts it on the wire; the parts belong together in their order. */
export interface Frame {
  readonly parts: readonly Bytes[];
  /** Size of all parts. */
  readonly size: number;
  /** How urgent it is. */
  readonly lane: Lane;
}

/** Number and wire type of each field: two strings, a varint, bytes. */
const MODULE_TAG = 0x0a;
const TYPE_TAG = 0x12;
const ORIGIN_TAG = 0x18;
const MSG_TAG = 0x22;

/** The last field of a message that is known. */
const FIELD_MAX = 4;

/** Fields of a message, known or not: nodes send four, millions of tiny ones would take seconds. */
const FIELDS_MAX = 16;

/** Bytes of `module` and of `type`; the longest of a node has some 20. */
const NAME_SIZE_MAX = 256;

/** Wire types of fields that are not known; groups are not among them, nobody sends them. */
const VARINT = 0;
const SKIPPED_WIRE_TYPES = new Set([1, 2, 5]);

const TEXT_DECODER = new TextDecoder("utf-8", { fatal: true });

/** Payloads below this size are copied next to the fields before them: fewer parts to handle. */
const COPIED_PAYLOAD_SIZE_MAX = 4_096;

/**
 * Encodes a message with its length prefix (spec/network.md, sections 3.6 and 4.5). A large payload
 * is not copied: it becomes a part of its own, which the frames of a broadcast share.
 */
export function encodeFrame(message: NetworkMsg): Frame {
  const payload = message.msg;
  const lane = laneOf(message.module, message.type);
  const fields = encode(NetworkMsg, { ...message, msg: EMPTY_BYTES });
  const tag = payload.length === 0 ? EMPTY_BYTES : payloadTag(payload.length);
  const messageSize = fields.length + tag.length + payload.length;
  const size = PREFIX_SIZE + messageSize;
  const isCopied = payload.length <= COPIED_PAYLOAD_SIZE_MAX;
  const head = new Uint8Array(isCopied ? size : size - payload.length);
  new DataView(head.buffer).setUint32(0, messageSize);
  head.set(fields, PREFIX_SIZE);
  head.set(tag, PREFIX_SIZE + fields.length);
  if (!isCopied) return { parts: [head, payload], size, lane };
  head.set(payload, size - payload.length);
  return { parts: [head], size, lane };
}

/**
 * Decodes a message that came without its prefix, in a time that does not depend on its size: `msg`
 * is a view of the bytes. Of a repeated field the last one counts, and unknown ones are skipped, as
 * everywhere in protobuf.
 *
 * @returns null when it is malformed, has more than 16 fields or a name of more than 256 bytes
 */
export function decodeMessage(bytes: Bytes): NetworkMsg | null {
  try {
    return readMessage(bytes);
  } catch {
    return null; // the reader only throws for malformed bytes
  }
}

function readMessage(bytes: Bytes): NetworkMsg {
  const reader = new BinaryReader(bytes);
  const message: NetworkMsg = { module: "", type: "", origin: 0n, msg: EMPTY_BYTES };
  for (let count = 0; reader.pos < reader.len; count++) {
    if (count === FIELDS_MAX) throw new DecodeError("Cannot decode a message of so many fields");
    const [field, wireType] = reader.tag();
    switch (field * 8 + wireType) {
      case MODULE_TAG:
        message.module = readName(reader);
        break;
      case TYPE_TAG:
        message.type = readName(reader);
        break;
      case ORIGIN_TAG:
        message.origin = readUint64(reader, bytes);
        break;
      case MSG_TAG:
        message.msg = reader.bytes();
        break;
      case field * 8 + VARINT:
        assertUnknown(field);
        readUint64(reader, bytes);
        break;
      default:
        assertUnknown(field);
        if (!SKIPPED_WIRE_TYPES.has(wireType)) throw new DecodeError("Cannot decode a group");
        reader.skip(wireType);
    }
  }
  return message;
}

function assertUnknown(field: number): void {
  if (field <= FIELD_MAX) throw new DecodeError("Cannot decode a field of another wire type");
}

function readName(reader: BinaryReader): string {
  const name = reader.bytes();
  if (name.length > NAME_SIZE_MAX) throw new DecodeError("Cannot decode a name of such a length");
  return TEXT_DECODER.decode(name);
}

/** A varint; one that is longer than any number of 64 bits is refused, also where it is skipped. */
function readUint64(reader: BinaryReader, bytes: Bytes): bigint {
  const start = reader.pos;
  const value = BigInt(reader.uint64());
  const isOverflow = reader.pos - start === 10 && (bytes[reader.pos - 1] ?? 0) > 1;
  if (isOverflow) throw new DecodeError("Cannot decode a number of more than 64 bits");
  return value;
}

/** The frame in one piece. */
export function joinFrame(frame: Frame): Bytes {
  return concatBytes(...frame.parts);
}

function payloadTag(payloadSize: number): Bytes {
  const bytes = [MSG_TAG];
  let rest = payloadSize;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
