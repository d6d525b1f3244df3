/**
 * Headers of yamux frames (spec/network.md, section 3.4).
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";

/** Size of every header. */
export const HEADER_SIZE = 12;

/** Window of a fresh stream, both ways; also the most that `length` of any header may say. */
export const WINDOW_SIZE = 262_144;

/** What a frame is for. */
export const FrameType = { Data: 0, WindowUpdate: 1, Ping: 2, GoAway: 3 } as const;

/** Bits of the flags field. */
export const FrameFlag = { Syn: 1, Ack: 2, Fin: 4, Rst: 8 } as const;

/** Reasons that a GoAway frame gives. */
export const GoAwayCode = { Normal: 0, ProtocolError: 1, InternalError: 2 } as const;

/** The fields of a header; the version is always 0. */
export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Payload size, window delta, ping value or reason, by the type. */
  readonly length: number;
}

/** Encodes a header, all fields big-endian. */
export function encodeHeader({ type, flags, streamId, length }: FrameHeader): Bytes {
  const bytes = new Uint8Array(HEADER_SIZE);
  bytes[1] = type;
  bytes[3] = flags;
  bytes[4] = streamId >>> 24;
  bytes[5] = streamId >>> 16;
  bytes[6] = streamId >>> 8;
  bytes[7] = streamId;
  bytes[8] = length >>> 24;
  bytes[9] = length >>> 16;
  bytes[10] = length >>> 8;
  bytes[11] = length;
  return bytes;
}

/**
 * Decodes the header at an offset, which must have {@linkcode HEADER_SIZE} bytes.
 *
 * @returns the header, or the reason why a peer that sends it cannot be understood
 */
export function decodeHeader(bytes: Bytes, offset: number): FrameHeader | string {
  const version = bytes[offset] ?? 0;
  if (version !== 0) return `yamux.version=${version}`;
  const type = bytes[offset + 1] ?? 0;
  if (type > FrameType.GoAway) return `yamux.type=${type}`;
  const length = readU32(bytes, offset + 8);
  // the reference applies this limit to every type, so that no honest peer exceeds it
  if (length > WINDOW_SIZE) return `yamux.length=${length}`;
  const flags = ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
  return { type, flags, streamId: readU32(bytes, offset + 4), length };
}

function readU32(bytes: Bytes, offset: number): number {
  const high = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
  const low = ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
  return high * 0x10000 + low;
}
