/**
 * Bincode 1.3 in its default configuration (spec/consensus.md, section 3.1): fixed-width
 * little-endian integers, lengths of eight bytes, hashes and addresses as hex text with `0x`.
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";

/** A 32-byte hash as 64 lower-case hex digits. */
export type HashHex = string;

/** A 20-byte address as 40 lower-case hex digits. */
export type AddressHex = string;

/** Bytes that are not the value they should be. */
export class BincodeError extends Error {
  override name = "BincodeError";
}

const INITIAL_SIZE = 256;
const HASH_DIGITS = 64;
const ADDRESS_DIGITS = 40;

/** Appends values to a byte string. */
export class BincodeWriter {
  #bytes = new Uint8Array(INITIAL_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;

  /** What was written so far. */
  finish(): Bytes {
    return this.#bytes.slice(0, this.#size);
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
    return this.u64(BigInt(value.length)).raw(value);
  }

  /** Bytes without a length. */
  raw(value: Bytes): this {
    const start = this.#reserve(value.length);
    this.#bytes.set(value, start);
    return this;
  }

  /** A hash or an address. */
  hex(digits: HashHex | AddressHex): this {
    const text = `0x${digits}`;
    this.u64(BigInt(text.length));
    const start = this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[start + i] = text.charCodeAt(i);
    return this;
  }

  option<Value>(value: Value | null, write: (value: Value) => void): this {
    this.u8(value === null ? 0 : 1);
    if (value !== null) write(value);
    return this;
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): this {
    this.u64(BigInt(items.length));
    for (const item of items) write(item);
    return this;
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

  /** A copy, so that a small part does not keep a large message in memory. */
  bytes(): Bytes {
    const size = this.#length(1);
    const start = this.#take(size);
    return this.source.slice(start, start + size);
  }

  hash(): HashHex {
    return this.#hex(HASH_DIGITS);
  }

  address(): AddressHex {
    return this.#hex(ADDRESS_DIGITS);
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
  #hex(digits: number): string {
    const size = this.#length(1);
    const prefixSize = size === digits + 2 ? 2 : 0;
    if (size !== digits + prefixSize) {
      throw new BincodeError(`Cannot read hex: it must have ${digits} digits, got ${size} bytes`);
    }
    const start = this.#take(size);
    const text = String.fromCharCode(...this.source.subarray(start, start + size));
    const isHex = prefixSize === 0 ? /^[0-9a-fA-F]+$/ : /^0x[0-9a-fA-F]+$/;
    if (!isHex.test(text)) throw new BincodeError("Cannot read hex: it has other characters");
    return text.slice(prefixSize).toLowerCase();
  }

  #length(itemSizeMin: number): number {
    const count = this.u64();
    if (count * BigInt(itemSizeMin) > BigInt(this.left)) {
      throw new BincodeError(`Cannot read ${count} items: only ${this.left} bytes are left`);
    }
    return Number(count);
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
