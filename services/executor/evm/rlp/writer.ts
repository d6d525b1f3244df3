import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { headerSize, writeHeader } from "./header.ts";

/** Integers have at most 256 bits. */
const UINT_SIZE_MAX = 32;
const UINT_LIMIT = 1n << 256n;
const EXACT_LIMIT = BigInt(Number.MAX_SAFE_INTEGER);

/** Room for the header of a string or list of any size. */
const HEADER_SIZE_MAX = 5;

/** A larger buffer is given up once its bytes are taken. */
const KEPT_SIZE_MAX = 64 * 1024;

/**
 * Encodes values into one buffer, from the last to the first: when a list gets its header, its items
 * are written and their size is known. Nothing is allocated on the way, which is why accounts and
 * receipts, of which a block has thousands, are encoded with it.
 */
export class RlpWriter {
  #buffer = new Uint8Array(1024);
  #view = new DataView(this.#buffer.buffer);
  /** Where the bytes written so far begin; they reach to the end of the buffer. */
  #start = this.#buffer.length;

  /** Number of bytes written so far. */
  get size(): number {
    return this.#buffer.length - this.#start;
  }

  /** Forgets what was not taken: an encoding that failed half way must not be a part of the next. */
  begin(): void {
    this.#start = this.#buffer.length;
  }

  /** Writes a byte string in front of everything. */
  bytes(value: Bytes): void {
    const { length: size } = value;
    this.#reserve(size + HEADER_SIZE_MAX);
    this.#start -= size;
    this.#buffer.set(value, this.#start);
    if (size !== 1 || value[0]! >= 0x80) this.#header(0x80, size);
  }

  /** Writes an integer in front of everything, as its shortest big-endian byte string. */
  uint(value: bigint | number): void {
    const isExact = typeof value === "number" ? Number.isSafeInteger(value) : value < UINT_LIMIT;
    if (value < 0 || !isExact) {
      throw new RangeError(`Cannot encode an integer: it must be unsigned and exact, got ${value}`);
    }
    this.#reserve(UINT_SIZE_MAX + HEADER_SIZE_MAX);
    const end = this.#start;
    if (typeof value === "number") this.#exact(value);
    else if (value <= EXACT_LIMIT) this.#exact(Number(value));
    else this.#wide(value);
    const size = end - this.#start;
    if (size !== 1 || this.#buffer[this.#start]! >= 0x80) this.#header(0x80, size);
  }

  /** Makes a list of everything written since the writer had that size. */
  list(sizeBefore: number): void {
    this.#reserve(HEADER_SIZE_MAX);
    this.#header(0xc0, this.size - sizeBefore);
  }

  /** What was written; valid until the writer is used again, which then is empty. */
  take(): Bytes {
    const written = this.#buffer.subarray(this.#start);
    if (this.#buffer.length > KEPT_SIZE_MAX) this.#use(new Uint8Array(KEPT_SIZE_MAX));
    this.#start = this.#buffer.length;
    return written;
  }

  #exact(value: number): void {
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) {
      this.#buffer[--this.#start] = rest % 256;
    }
  }

  #wide(value: bigint): void {
    const from = this.#start - UINT_SIZE_MAX;
    this.#view.setBigUint64(from, value >> 192n);
    this.#view.setBigUint64(from + 8, value >> 128n);
    this.#view.setBigUint64(from + 16, value >> 64n);
    this.#view.setBigUint64(from + 24, value);
    this.#start = from;
    while (this.#buffer[this.#start] === 0) this.#start++;
  }

  #header(base: 0x80 | 0xc0, size: number): void {
    this.#start -= headerSize(size);
    writeHeader({ target: this.#buffer, offset: this.#start, base, size });
  }

  #use(buffer: Uint8Array<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }

  /** Makes room for so many bytes in front. */
  #reserve(room: number): void {
    if (this.#start >= room) return;
    const written = this.#buffer.subarray(this.#start);
    this.#use(new Uint8Array(2 * (written.length + room)));
    this.#start = this.#buffer.length - written.length;
    this.#buffer.set(written, this.#start);
  }
}
