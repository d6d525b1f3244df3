import { Buffer } from "node:buffer";
import type { Bytes } from "../bytes/mod.ts";
import { RpcCode } from "./status.ts";

/** A flag of one byte, then the length of the message in four, most significant first. */
const PREFIX_SIZE = 5;

/** A message as gRPC carries it over HTTP/2 ("Length-Prefixed-Message"), not compressed. */
export function frameMessage(message: Bytes): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_SIZE + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_SIZE);
  return frame;
}

/** Thrown for bytes that are not the one message that a unary call carries each way. */
export class FrameError extends Error {
  override name = "FrameError";

  constructor(message: string, readonly code: RpcCode = RpcCode.Internal) {
    super(message);
  }
}

/**
 * The message in the pieces of a body; it may share memory with them. {@linkcode FrameError} when it
 * is compressed or cut off, or not one message.
 */
export function unframeMessage(pieces: readonly Buffer[]): Bytes {
  const [first] = pieces;
  if (first === undefined) throw new FrameError("there is no message");
  const { buffer, byteOffset, length } = pieces.length === 1 ? first : Buffer.concat(pieces);
  if (length < PREFIX_SIZE) throw new FrameError("the message is cut off");
  const view = new DataView(buffer, byteOffset, length);
  if (view.getUint8(0) !== 0) {
    throw new FrameError(
      "the message is compressed, which is not supported",
      RpcCode.Unimplemented,
    );
  }
  const size = view.getUint32(1);
  if (size > length - PREFIX_SIZE) throw new FrameError("the message is cut off");
  if (size < length - PREFIX_SIZE) throw new FrameError("there is more than one message");
  // a plain array: messages decoded from a Buffer would hold slices that share its memory
  return new Uint8Array(buffer, byteOffset + PREFIX_SIZE, size);
}
