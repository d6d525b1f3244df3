/**
 * Bincode 1.3 in its default configuration (spec/consensus.md, section 3.1): fixed-width
 * little-endian integers, lengths of eight bytes, hashes and addresses as hex text with `0x`.
 *
 * @module
 */

import { type Bytes, toHex } from "../../../../shared/bytes/mod.ts";

/** A 32-byte hash as 64 lower-case hex digits. */
export type HashHex = string;

/** A 20-byte address as 40 lower-case hex digits. */
export type AddressHex = string;

/** Bytes that are not the value they should be. */
export class BincodeError extends Error {
  override name = "BincodeError";
}

const HASH_SIZE = 32;
const ADDRESS_SIZE = 20;

const ZERO_CHAR = 0x30;
const X_CHAR = 0x78;

/** Value of each byte as a hex digit of either case; 255 for other characters. */
const DIGIT_VALUES = Uint8Array.from(
  { length: 256 },
  (_, byte) =>
    /[0-9a-fA-F]/.test(String.fromCharCode(byte)) ? parseInt(String.fromCharCode(byte), 16) : 255,
);

/** The buffer that every writer starts with: creating one costs more than filling it. */
const SCRATCH = new Uint8Array(4_096);
const SCRATCH_VIEW = new DataView(SCRATCH.buffer);

/** A buffer of so many bytes may be kept for any part of it: creating one more would cost as much. */
const KEPT_SIZE_MAX = 1_024;

/** Bytes of the hex text at hand. */
const DIGITS = new Uint8Array(HASH_SIZE);

/** Writes something; it may not use another writer meanwhile. */
export type Write = (writer: BincodeWriter) => unknown;

/** The bytes of what a function writes. */
export function encodeBincode(write: Write): Bytes {
  return withBincode(write, (bytes) => bytes.slice());
}

/** Uses the bytes of what a function writes, which are gone after that: for hashes of them. */
export function withBincode<Result>(write: Write, use: (bytes: Bytes) => Result): Result {
  const writer = new BincodeWriter();
  write(writer);
  return use(writer.written);
}

/** Appends values to a byte string. */
export class BincodeWriter {
  #bytes = SCRATCH;
  #view = SCRATCH_VIEW;
  #size = 0;

  /** What was written so far, until another writer is used. */
  get written(): Bytes {
    return this.#bytes.subarray(0, this.#size);
  }

  u8(value: number): this {
    const start = this.#reserve(1);
    this.#view.setUint8(start, value);
    return this;
  }

  u32(value: number): this {
    const start = this.#reserve(4);
    this.#view.setUint32(start, value, true);
    return this;
  }

  u64(value: bigint): this {
    const start = this.#reserve(8);
    this.#view.setBigUint64(start, value, true);
    return this;
  }

  bytes(value: Bytes): this {
    return this.#length(value.length).raw(value);
  }

  /** Bytes without a length. */
  raw(value: Bytes): this {
    const start = this.#reserve(value.length);
    this.#bytes.set(value, start);
    return this;
  }

  /** A hash or an address. */
  hex(digits: HashHex | AddressHex): this {
    this.#length(digits.length + 2);
    const start = this.#reserve(digits.length + 2);
    this.#bytes[start] = ZERO_CHAR;
    this.#bytes[start + 1] = X_CHAR;
    for (let i = 0; i < digits.length; i++) this.#bytes[start + 2 + i] = digits.charCodeAt(i);
    return this;
  }

  option<Value>(value: Value | null, write: (value: Value) => void): this {
    this.u8(value === null ? 0 : 1);
    if (value !== null) write(value);
    return this;
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.#length(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** A length is a `u64` too; without a big integer per string. */
  #length(value: number): this {
    return this.u32(value).u32(0);
  }

  /** Makes room and returns where it starts; it may replace the buffer, so it goes first. */
  #reserve(count: number): number {
    const start = this.#size;
    this.#size += count;
    if (this.#size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#size, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return start;
  }
}

/** Takes values from a byte string of unknown origin; every method may throw a `BincodeError`. */
export class BincodeReader {
  readonly #view: DataView;
  #offset = 0;

  constructor(readonly source: Bytes) {
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  /** Count of bytes not read yet. */
  get left(): number {
    return this.source.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A part of the source, or a copy, so that a small part keeps no large message in memory. */
  bytes(): Bytes {
    const { source } = this;
    const size = this.#length(1);
    const start = this.#take(size);
    const { byteLength } = source.buffer;
    const keepsMuch = byteLength > KEPT_SIZE_MAX && byteLength > 2 * size;
    return keepsMuch ? source.slice(start, start + size) : source.subarray(start, start + size);
  }

  hash(): HashHex {
    return this.#hex(HASH_SIZE);
  }

  address(): AddressHex {
    return this.#hex(ADDRESS_SIZE);
  }

  option<Value>(read: () => Value): Value | null {
    const tag = this.u8();
    if (tag > 1) {
      throw new BincodeError(`Cannot read an option: its tag must be 0 or 1, got ${tag}`);
    }
    return tag === 0 ? null : read();
  }

  /** A sequence; `itemSizeMin` bounds its count by the bytes that are there. */
  list<Item>(itemSizeMin: number, read: () => Item): Item[] {
    const count = this.#length(itemSizeMin);
    const items: Item[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  /** Digits of either case, with or without `0x`, as the reference decoder accepts them. */
  #hex(size: number): string {
    const length = this.#length(1);
    const prefixLength = length === 2 * size + 2 ? 2 : 0;
    if (length !== 2 * size + prefixLength) {
      throw new BincodeError(
        `Cannot read hex: it must have ${2 * size} digits, got ${length} bytes`,
      );
    }
    const start = this.#take(length);
    const { source } = this;
    const isPrefixed = source[start] === ZERO_CHAR && source[start + 1] === X_CHAR;
    if (prefixLength > 0 && !isPrefixed) {
      throw new BincodeError("Cannot read hex: it has other characters");
    }
    this.#readDigits(start + prefixLength, size);
    return toHex(DIGITS.subarray(0, size));
  }

  /** Puts the bytes that so many pairs of digits stand for into {@linkcode DIGITS}. */
  #readDigits(start: number, size: number): void {
    const { source } = this;
    let seen = 0;
    for (let i = 0; i < size; i++) {
      const high = DIGIT_VALUES[source[start + 2 * i] ?? 0] ?? 255;
      const low = DIGIT_VALUES[source[start + 2 * i + 1] ?? 0] ?? 255;
      seen |= high | low;
      DIGITS[i] = (high << 4) | low;
    }
    if (seen > 15) throw new BincodeError("Cannot read hex: it has other characters");
  }

  #length(itemSizeMin: number): number {
    const start = this.#take(8);
    const count = this.#view.getUint32(start, true) +
      2 ** 32 * this.#view.getUint32(start + 4, true);
    if (count * itemSizeMin > this.left) {
      throw new BincodeError(`Cannot read ${count} items: only ${this.left} bytes are left`);
    }
    return count;
  }

  #take(size: number): number {
    if (size > this.left) {
      throw new BincodeError(`Cannot read ${size} bytes: only ${this.left} are left`);
    }
    const start = this.#offset;
    this.#offset += size;
    return start;
  }
}

/** Reads one value from the front of a byte string; null when the bytes are not such a value. */
export function tryRead<Value>(
  source: Bytes,
  read: (reader: BincodeReader) => Value,
): Value | null {
  try {
    return read(new BincodeReader(source));
  } catch (error) {
    if (error instanceof BincodeError) return null;
    throw error;
  }
}
