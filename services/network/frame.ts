import { NetworkMsg } from "../../proto/gen/network.ts";
import { type Bytes, concatBytes, EMPTY_BYTES } from "../../shared/bytes/mod.ts";
import { encode, tryDecode } from "../../shared/codec/mod.ts";
import { type Lane, laneOf } from "./core/lane.ts";

/** A message as every flavour puts it on the wire; the parts belong together in their order. */
export interface Frame {
  readonly parts: readonly Bytes[];
  /** Size of all parts. */
  readonly size: number;
  /** How urgent it is. */
  readonly lane: Lane;
}

/** Size of the big-endian length in front of a message. */
export const PREFIX_SIZE = 4;

/** Tag of field 4, `msg`, with a length. */
const MSG_TAG = 0x22;

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

/** Decodes a message that came without its prefix; null when it is malformed. */
export function decodeMessage(bytes: Bytes): NetworkMsg | null {
  return tryDecode(NetworkMsg, bytes);
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
