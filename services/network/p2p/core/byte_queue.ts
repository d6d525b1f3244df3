import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";

/** Parts that were taken out before the array of parts is shortened. */
const TAKEN_PARTS_MAX = 1_024;

/** Bytes waiting to be sent, kept as the parts that they came in: nothing is copied. */
export class ByteQueue {
  #parts: Bytes[] = [];
  #firstPart = 0;
  #firstOffset = 0;
  #size = 0;

  /** Bytes in the queue. */
  get size(): number {
    return this.#size;
  }

  /** Appends a part, which must not change any more. */
  push(part: Bytes): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#size += part.length;
  }

  /** Moves up to `sizeMax` bytes from the front to the end of `target`; returns how many. */
  take(sizeMax: number, target: Bytes[]): number {
    let left = Math.min(sizeMax, this.#size);
    const taken = left;
    while (left > 0) {
      const part = this.#parts[this.#firstPart];
      if (part === undefined) break;
      const end = this.#firstOffset + left;
      if (end < part.length) {
        target.push(part.subarray(this.#firstOffset, end));
        this.#firstOffset = end;
        break;
      }
      target.push(this.#firstOffset === 0 ? part : part.subarray(this.#firstOffset));
      left -= part.length - this.#firstOffset;
      this.#dropFirst();
    }
    this.#size -= taken;
    return taken;
  }

  /** Forgets everything. */
  clear(): void {
    this.#parts = [];
    this.#firstPart = 0;
    this.#firstOffset = 0;
    this.#size = 0;
  }

  #dropFirst(): void {
    this.#parts[this.#firstPart] = EMPTY_BYTES; // so that its memory can be reclaimed now
    this.#firstPart += 1;
    this.#firstOffset = 0;
    if (this.#firstPart === this.#parts.length) {
      this.#parts = [];
      this.#firstPart = 0;
    } else if (this.#firstPart === TAKEN_PARTS_MAX) {
      this.#parts.splice(0, TAKEN_PARTS_MAX);
      this.#firstPart = 0;
    }
  }
}
