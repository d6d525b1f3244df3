/**
 * `NetworkMsg` written and read by hand (spec/network.md, section 1), for peers that share no code
 * with the service.
 *
 * @module
 */

import { type Bytes, concatBytes } from "../../../shared/bytes/mod.ts";

/** A message between nodes; the origin has no meaning there. */
export interface RawMessage {
  readonly module: string;
  readonly type: string;
  readonly msg: Bytes;
}

/** Tags of the fields, all with a length. */
const MODULE = 0x0a;
const TYPE = 0x12;
const MSG = 0x22;

/** Tag of the origin, a varint. */
const ORIGIN = 0x18;

/** The bytes of a message. */
export function encodeMessage({ module, type, msg }: RawMessage): Bytes {
  const text = new TextEncoder();
  return concatBytes(
    field(MODULE, text.encode(module)),
    field(TYPE, text.encode(type)),
    field(MSG, msg),
  );
}

/** A message with its big-endian length in front (sections 3.6 and 4.5). */
export function encodeFrame(message: RawMessage): Bytes {
  return frameOf(encodeMessage(message));
}

/** Any bytes with their length in front. */
export function frameOf(bytes: Bytes): Bytes {
  return concatBytes(u32(bytes.length), bytes);
}

/** Four bytes, big-endian. */
export function u32(value: number): Bytes {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Whether a message may have an origin: p2p sends whatever the module gave, the others none. */
export type OriginRule = "any" | "none";

/** Reads a message; throws for anything that is none. */
export function decodeMessage(bytes: Bytes, origin: OriginRule): RawMessage {
  const fields = new Map<number, Bytes>();
  for (let offset = 0; offset < bytes.length;) {
    const tag = bytes[offset++] ?? 0;
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[offset++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (tag === ORIGIN && origin === "any") continue;
    if (![MODULE, TYPE, MSG].includes(tag)) throw new Error(`no field has the tag ${tag}`);
    fields.set(tag, bytes.subarray(offset, offset + value));
    offset += value;
  }
  const text = (tag: number) => new TextDecoder().decode(fields.get(tag));
  return { module: text(MODULE), type: text(TYPE), msg: fields.get(MSG) ?? new Uint8Array() };
}

function field(tag: number, value: Bytes): Bytes {
  if (value.length === 0) return new Uint8Array();
  const head = [tag];
  for (let rest = value.length; rest > 0; rest = Math.floor(rest / 0x80)) {
    head.push(rest < 0x80 ? rest : (rest % 0x80) | 0x80);
  }
  return concatBytes(Uint8Array.from(head), value);
}
