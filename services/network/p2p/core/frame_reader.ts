import { type Bytes, EMPTY_BYTES, readU32be } from "../../../../shared/bytes/mod.ts";

/** Size of the length prefix of a frame. */
const PREFIX_SIZE = 4;

/** First buffer of a frame that arrives in pieces. */
const BUFFER_SIZE_MIN = 65_536;

/** By how much a full buffer grows: memory stays within this factor of what was received. */
const BUFFER_GROWTH = 4;

/**
 * Cuts a byte stream into frames of a four-byte big-endian length and as many bytes
 * (spec/network.md, section 3.6). A frame within one chunk is a view of it; others are copied into
 * a buffer that grows with what has arrived, whatever length is announced.
 */
export class FrameReader {
  readonly #prefix = new Uint8Array(PREFIX_SIZE);
  #prefixSize = 0;
  /** Size of the current frame; null while its prefix is incomplete. */
  #frameSize: number | null = null;
  #buffer: Bytes = EMPTY_BYTES;
  #bufferedSize = 0;
  #chunk: Bytes = EMPTY_BYTES;
  #offset = 0;

  /** Frames above `sizeMax` bytes are refused; it may change between two frames. */
  constructor(public sizeMax: number) {}

  /** Adds a chunk, which must not change afterwards; {@linkcode next} must have given null before. */
  push(chunk: Bytes): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** The next frame; null when more bytes are needed; a number is the size of a refused frame. */
  next(): Bytes | null | number {
    this.#frameSize ??= this.#readPrefix();
    if (this.#frameSize === null) return null;
    if (this.#frameSize > this.sizeMax) return this.#frameSize;
    const end = this.#offset + this.#frameSize - this.#bufferedSize;
    if (end > this.#chunk.length) {
      this.#keepRest(this.#frameSize);
      return null;
    }
    const rest = this.#chunk.subarray(this.#offset, end);
    this.#offset = end;
    return this.#completeFrame(rest, this.#frameSize);
  }

  #readPrefix(): number | null {
    while (this.#prefixSize < PREFIX_SIZE) {
      const byte = this.#chunk[this.#offset];
      if (byte === undefined) return null;
      this.#prefix[this.#prefixSize] = byte;
      this.#prefixSize += 1;
      this.#offset += 1;
    }
    this.#prefixSize = 0;
    return readU32be(this.#prefix);
  }

  #completeFrame(rest: Bytes, frameSize: number): Bytes {
    this.#frameSize = null;
    if (this.#bufferedSize === 0) return rest;
    this.#append(rest, frameSize);
    const frame = this.#buffer.subarray(0, frameSize);
    this.#buffer = EMPTY_BYTES;
    this.#bufferedSize = 0;
    return frame;
  }

  #keepRest(frameSize: number): void {
    this.#append(this.#chunk.subarray(this.#offset), frameSize);
    this.#chunk = EMPTY_BYTES;
    this.#offset = 0;
  }

  #append(bytes: Bytes, frameSize: number): void {
    const size = this.#bufferedSize + bytes.length;
    if (size > this.#buffer.length) {
      const wanted = Math.max(size, this.#buffer.length * BUFFER_GROWTH, BUFFER_SIZE_MIN);
      const grown = new Uint8Array(Math.min(wanted, frameSize));
      grown.set(this.#buffer.subarray(0, this.#bufferedSize));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#bufferedSize);
    this.#bufferedSize = size;
  }
}
