import { type Bytes, EMPTY_BYTES, readU32be } from "../../../shared/bytes/mod.ts";
import type { ConnectionMemory, Grant } from "./memory_budget.ts";

/** Size of the big-endian length in front of a message. */
export const PREFIX_SIZE = 4;

/** First buffer of a frame that arrives in pieces. */
const BUFFER_SIZE_MIN = 65_536;

/** By how much a full buffer grows. */
const BUFFER_GROWTH = 4;

/** A buffer gets its final size when this part of the frame has arrived: one copy less. */
const FINAL_SIZE_FACTOR = 16;

/** Limits of a {@linkcode FrameReader}. */
export interface FrameLimits {
  /** Largest frame. */
  readonly sizeMax: number;
  /** What the unfinished frames of the connection may take. */
  readonly memory: ConnectionMemory;
}

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

  readonly #memory: ConnectionMemory;
  #sizeMax: number;

  constructor({ sizeMax, memory }: FrameLimits) {
    this.#sizeMax = sizeMax;
    this.#memory = memory;
  }

  /** Changes the limit of the frames to come. */
  setSizeMax(sizeMax: number): void {
    this.#sizeMax = sizeMax;
  }

  /** Whether a part of a frame has come and the rest has not. */
  get isUnfinished(): boolean {
    return this.#prefixSize > 0 || this.#frameSize !== null;
  }

  /** Adds a chunk, which must not change afterwards; {@linkcode next} must have given null before. */
  push(chunk: Bytes): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /**
   * The next frame; null when more bytes are needed; "busy" when it is to be asked again once the
   * connection has memory; any other text says why the frame is refused.
   */
  next(): Bytes | null | string {
    this.#frameSize ??= this.#readPrefix();
    if (this.#frameSize === null) return null;
    if (this.#frameSize > this.#sizeMax) {
      return `msg too large: frame of ${this.#frameSize} bytes exceeds ${this.#sizeMax}`;
    }
    const end = this.#offset + this.#frameSize - this.#bufferedSize;
    const isComplete = end <= this.#chunk.length;
    const rest = this.#chunk.subarray(this.#offset, end);
    if (isComplete && this.#bufferedSize === 0) {
      this.#offset = end;
      this.#frameSize = null;
      return rest;
    }
    const grant = this.#append(rest, this.#frameSize);
    if (grant === "busy") return grant;
    if (grant === "full") {
      return `no memory for a frame of ${this.#frameSize} bytes: too much of all peers is unfinished`;
    }
    this.#offset = Math.min(end, this.#chunk.length);
    if (!isComplete) return null;
    const frame = this.#buffer.subarray(0, this.#frameSize);
    this.#frameSize = null;
    this.clear();
    return frame;
  }

  /** Forgets an unfinished frame. */
  clear(): void {
    this.#memory.release(this);
    this.#buffer = EMPTY_BYTES;
    this.#bufferedSize = 0;
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

  #append(bytes: Bytes, frameSize: number): Grant {
    const size = this.#bufferedSize + bytes.length;
    const grant = size > this.#buffer.length ? this.#grow(size, frameSize) : "granted";
    if (grant !== "granted") return grant;
    this.#buffer.set(bytes, this.#bufferedSize);
    this.#bufferedSize = size;
    return grant;
  }

  #grow(size: number, frameSize: number): Grant {
    const isNearEnd = frameSize <= size * FINAL_SIZE_FACTOR;
    const wanted = Math.max(size, this.#buffer.length * BUFFER_GROWTH, BUFFER_SIZE_MIN);
    const grownSize = isNearEnd ? frameSize : Math.min(wanted, frameSize);
    const grant = this.#memory.grow(this, grownSize);
    if (grant !== "granted") return grant;
    const grown = new Uint8Array(grownSize);
    grown.set(this.#buffer.subarray(0, this.#bufferedSize));
    this.#buffer = grown;
    return grant;
  }
}
