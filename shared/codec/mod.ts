/**
 * The protobuf runtime and the canonical encoding of spec/protocol.md, section 2.1: what the
 * generated codecs write (ascending fields, defaults omitted, present sub-messages always written)
 * is exactly what is hashed and signed.
 *
 * @module
 */

import { BinaryReader, BinaryWriter, configureTextEncoding } from "@bufbuild/protobuf/wire";
import type { Bytes } from "../bytes/mod.ts";

export { BinaryReader, BinaryWriter };

/** What `proto/gen` exports for every message. */
export interface MessageCodec<Message> {
  encode(message: Message, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Bytes, length?: number): Message;
}

/** Bytes that are not the message they should be. */
export class DecodeError extends Error {
  override name = "DecodeError";
}

const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder("utf-8", { fatal: true });

/**
 * Makes invalid UTF-8 in a `string` field undecodable, as the reference services do (protocol.md,
 * section 2); the runtime's default would replace it silently. Called once by every program.
 */
export function useStrictUtf8(): void {
  configureTextEncoding({
    encodeUtf8: (text) => TEXT_ENCODER.encode(text),
    decodeUtf8: (bytes) => TEXT_DECODER.decode(bytes),
    checkUtf8: (text) => text.isWellFormed(),
  });
}

/** Encodes a message canonically. */
export function encode<Message>(codec: MessageCodec<Message>, message: Message): Bytes {
  return codec.encode(message).finish();
}

/** Decodes a message; throws a {@linkcode DecodeError} when the bytes are malformed. */
export function decode<Message>(codec: MessageCodec<Message>, bytes: Bytes): Message {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    throw new DecodeError("Cannot decode the message: it is malformed", { cause });
  }
}

/** Decodes a message; null when the bytes are malformed. */
export function tryDecode<Message>(codec: MessageCodec<Message>, bytes: Bytes): Message | null {
  try {
    return codec.decode(bytes);
  } catch {
    return null; // the runtime only throws for malformed bytes
  }
}
