import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { Word } from "../word.ts";

/** Largest end of an access that is not empty (spec/executor_evm.md, 7.3). */
const MEMORY_SIZE_MAX = 2 ** 30;

/** What is kept for the next frame at the same depth. */
const KEPT_SIZE_MAX = 2 ** 14;

/** Room to grow that is made at most: so much is copied seldom, for what its gas costs. */
const ROOM_MAX = 2 ** 24;

const EMPTY_BUFFER = new ArrayBuffer(0);

/** The memory of a frame: zero bytes, growing in words of 32 bytes. */
export class Memory {
  /** Contents and, behind {@linkcode size}, room to grow; replaced when the memory grows. */
  bytes: Bytes = new Uint8Array(EMPTY_BUFFER);
  /** The same bytes. */
  view = new DataView(EMPTY_BUFFER);
  /** Size in bytes, a multiple of 32. */
  size = 0;

  /** Gas for making the range accessible; infinite when it can never be. */
  growthCost(offset: Word, size: Word): number {
    if (size === 0) return 0;
    if (typeof offset !== "number" || typeof size !== "number") return Infinity;
    const end = offset + size;
    if (end <= this.size) return 0;
    return end > MEMORY_SIZE_MAX ? Infinity : costOfWords(wordCount(end)) -
      costOfWords(this.size / 32);
  }

  /** Makes the range accessible; its cost was charged. */
  grow(offset: number, size: number): void {
    if (size === 0) return;
    const needed = 32 * wordCount(offset + size);
    if (needed <= this.size) return;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(1024, needed + Math.min(needed, ROOM_MAX)));
      larger.set(this.bytes.subarray(0, this.size));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    this.size = needed;
  }

  /** A copy of an accessible range. */
  copyOf(offset: Word, size: Word): Bytes {
    if (size === 0) return EMPTY_BYTES;
    return this.bytes.slice(Number(offset), Number(offset) + Number(size));
  }

  /** An accessible range; valid until the memory grows or is reset. */
  viewOf(offset: Word, size: Word): Bytes {
    if (size === 0) return EMPTY_BYTES;
    return this.bytes.subarray(Number(offset), Number(offset) + Number(size));
  }

  /** Fills an accessible range from an offset of a source that continues with zeros. */
  fill(offset: number, size: number, { source, from }: { source: Bytes; from: Word }): void {
    const start = typeof from === "number" ? Math.min(from, source.length) : source.length;
    const part = source.subarray(start, Math.min(start + size, source.length));
    this.bytes.set(part, offset);
    this.bytes.fill(0, offset + part.length, offset + size);
  }

  /** Empties the memory for the next frame. */
  reset(): void {
    if (this.bytes.length > KEPT_SIZE_MAX) {
      this.bytes = new Uint8Array(EMPTY_BUFFER);
      this.view = new DataView(EMPTY_BUFFER);
    } else this.bytes.fill(0, 0, this.size);
    this.size = 0;
  }
}

/** Number of words that hold so many bytes. */
export function wordCount(size: number): number {
  return Math.ceil(size / 32);
}

function costOfWords(words: number): number {
  return 3 * words + Math.floor(words * words / 512);
}
