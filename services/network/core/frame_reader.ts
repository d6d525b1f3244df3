import { type Bytes, EMPTY_BYTES, readU32be } from "../../../shared/bytes/mod.ts";
import type { MemoryBudget } from "./memory_budget.ts";

/** Size of the length prefix of a frame. */
const PREFIX_SIZE = 4;

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
  /** What unfinished frames may take. */
  readonly budget: MemoryBudget;
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

  readonly #budget: MemoryBudget;
  #sizeMax: number;

  constructor({ sizeMax, budget }: FrameLimits) {
    this.#sizeMax = sizeMax;
    this.#budget = budget;
  }

  /** Changes the limit of the frames to come. */
  setSizeMax(sizeMax: number): void {
    this.#sizeMax = sizeMax;
  }

  /** Adds a chunk, which must not change afterwards; {@linkcode next} must have given null before. */
  push(chunk: Bytes): void {
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** The next frame; null when more bytes are needed; a text says why the frame is refused. */
  next(): Bytes | null | string {
    this.#frameSize ??= this.#readPrefix();
    if (this.#frameSize === null) return null;
    if (this.#frameSize > this.#sizeMax) {
      return `frame of ${this.#frameSize} bytes exceeds ${this.#sizeMax}`;
    }
    const end = this.#offset + this.#frameSize - this.#bufferedSize;
    const isComplete = end <= this.#chunk.length;
    const rest = this.#chunk.subarray(this.#offset, end);
    this.#offset = Math.min(end, this.#chunk.length);
    if (isComplete && this.#bufferedSize === 0) {
      this.#frameSize = null;
      return rest;
    }
    if (!this.#append(rest, this.#frameSize)) {
      return `unfinished frames of all peers exceed ${this.#budget.sizeMax} bytes`;
    }
    if (!isComplete) return null;
    const frame = this.#buffer.subarray(0, this.#frameSize);
    this.#frameSize = null;
    this.clear();
    return frame;
  }

  /** Forgets an unfinished frame. */
  clear(): void {
    this.#budget.release(this.#buffer.length);
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

  #append(bytes: Bytes, frameSize: number): boolean {
    const size = this.#bufferedSize + bytes.length;
    if (size > this.#buffer.length && !this.#grow(size, frameSize)) return false;
    this.#buffer.set(bytes, this.#bufferedSize);
    this.#bufferedSize = size;
    return true;
  }

  #grow(size: number, frameSize: number): boolean {
    const isNearEnd = frameSize <= size * FINAL_SIZE_FACTOR;
    const wanted = Math.max(size, this.#buffer.length * BUFFER_GROWTH, BUFFER_SIZE_MIN);
    const grownSize = isNearEnd ? frameSize : Math.min(wanted, frameSize);
    if (!this.#budget.take(grownSize - this.#buffer.length)) return false;
    const grown = new Uint8Array(grownSize);
    grown.set(this.#buffer.subarray(0, this.#bufferedSize));
    this.#buffer = grown;
    return true;
  }
}
