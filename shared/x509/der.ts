import { type Bytes, concatBytes, fromHex, toHex } from "../bytes/mod.ts";
import { CertificateError } from "./errors.ts";

/** First byte of the elements that X.509 uses. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tags of fields that only their number tells apart: `[n]` with elements inside, or with bytes. */
export const constructedField = (number: number): number => 0xa0 + number;
export const plainField = (number: number): number => 0x80 + number;

/** Longest object identifier that is read, in bytes; those of X.509 have up to 11. */
const OID_SIZE_MAX = 64;

/** One element: its tag, what it holds, and all of its bytes. */
export interface DerElement {
  readonly tag: number;
  readonly content: Bytes;
  readonly encoded: Bytes;
}

/**
 * Reads the elements of one DER structure in order (X.690, section 10): definite lengths in their
 * shortest form only. Every method throws a {@linkcode CertificateError} for anything else.
 */
export class DerReader {
  #offset = 0;

  constructor(private readonly bytes: Bytes) {}

  get isAtEnd(): boolean {
    return this.#offset === this.bytes.length;
  }

  /** The next element, whatever it is. */
  any(): DerElement {
    const start = this.#offset;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw malformed(`tags must have one byte, got ${tag}`);
    const size = this.#length();
    const contentStart = this.#offset;
    const end = contentStart + size;
    if (end > this.bytes.length) {
      throw malformed(`an element of ${size} bytes must end within its parent`);
    }
    this.#offset = end;
    return {
      tag,
      content: this.bytes.subarray(contentStart, end),
      encoded: this.bytes.subarray(start, end),
    };
  }

  /** The next element, which must have this tag. */
  element(tag: number): DerElement {
    const next = this.any();
    if (next.tag !== tag) throw malformed(`tag ${tag} must come next, got ${next.tag}`);
    return next;
  }

  /** What the next element holds if it has this tag, else null, and it stays the next. */
  optional(tag: number): Bytes | null {
    return this.bytes[this.#offset] === tag ? this.any().content : null;
  }

  /** Decodes what is in the next element; `decode` must read all of it. */
  inside<Value>(tag: number, decode: (reader: DerReader) => Value): Value {
    return decodeDer(this.element(tag).content, decode);
  }

  /** BOOLEAN that is false when it is absent. */
  flag(): boolean {
    const content = this.optional(TAG.boolean);
    if (content === null) return false;
    const [value] = content;
    if (content.length !== 1 || (value !== 0 && value !== 0xff)) {
      throw malformed(`a boolean must be 00 or ff, got ${toHex(content)}`);
    }
    return value === 0xff;
  }

  /** INTEGER of at most four bytes that is not negative. */
  smallInteger(): number {
    const content = this.element(TAG.integer).content;
    const [first = 0, second = 0] = content;
    const isShortest = content.length === 1 || first !== 0 || second >= 0x80;
    if (content.length === 0 || content.length > 4 || first >= 0x80 || !isShortest) {
      throw malformed(`a number must have 1 to 4 bytes and no sign, got ${toHex(content)}`);
    }
    return Number.parseInt(toHex(content), 16);
  }

  /** Object identifier as numbers with dots between. */
  oid(): string {
    const content = this.element(TAG.oid).content;
    const isWhole = content.length > 0 && (content[content.length - 1] ?? 0) < 0x80;
    if (!isWhole || content.length > OID_SIZE_MAX) {
      throw malformed(`an object identifier must have 1 to ${OID_SIZE_MAX} bytes and an end`);
    }
    const numbers: bigint[] = [];
    let value = 0n;
    for (const byte of content) {
      if (value === 0n && byte === 0x80) throw malformed("an object identifier must be shortest");
      value = value << 7n | BigInt(byte & 0x7f);
      if (byte >= 0x80) continue;
      numbers.push(value);
      value = 0n;
    }
    const [first = 0n, ...rest] = numbers;
    const top = first < 80n ? first / 40n : 2n;
    return [top, first - 40n * top, ...rest].join(".");
  }

  /** BIT STRING of whole bytes. */
  bitString(): Bytes {
    const content = this.element(TAG.bitString).content;
    if (content[0] !== 0) throw malformed("a bit string must have whole bytes");
    return content.subarray(1);
  }

  #byte(): number {
    const byte = this.bytes[this.#offset];
    if (byte === undefined) throw malformed("another element must follow");
    this.#offset++;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const size = first - 0x80;
    if (size < 1 || size > 3) throw malformed(`a length must have 1 to 3 bytes, got ${size}`);
    let length = 0;
    for (let i = 0; i < size; i++) length = length << 8 | this.#byte();
    if (length < 0x80 || length < 2 ** (8 * (size - 1))) {
      throw malformed(`the length ${length} must be written with fewer bytes`);
    }
    return length;
  }
}

/** Decodes a whole structure; throws a {@linkcode CertificateError} when bytes are left. */
export function decodeDer<Value>(bytes: Bytes, decode: (reader: DerReader) => Value): Value {
  const reader = new DerReader(bytes);
  const value = decode(reader);
  if (!reader.isAtEnd) throw malformed("no bytes may follow the last element");
  return value;
}

function malformed(reason: string): CertificateError {
  return new CertificateError("malformed", `Cannot decode DER: ${reason}`);
}

/** An element with the contents one after the other. */
export function encodeDer(tag: number, ...contents: readonly Bytes[]): Bytes {
  const content = concatBytes(...contents);
  return concatBytes(Uint8Array.of(tag, ...lengthBytes(content.length)), content);
}

/** SEQUENCE of elements. */
export function sequence(...elements: readonly Bytes[]): Bytes {
  return encodeDer(TAG.sequence, ...elements);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  if (length < 0x10000) return [0x82, length >> 8, length & 0xff];
  return [0x83, length >> 16, length >> 8 & 0xff, length & 0xff];
}

/** INTEGER that is not negative. */
export function encodeInteger(value: bigint): Bytes {
  const digits = value.toString(16);
  const bytes = fromHex(digits.padStart(digits.length + digits.length % 2, "0"));
  const sign = (bytes[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return encodeDer(TAG.integer, sign, bytes);
}

/** Object identifier of numbers with dots between. */
export function encodeOid(text: string): Bytes {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return encodeDer(TAG.oid, Uint8Array.from([40 * first + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) {
    digits.unshift(0x80 + left % 128);
  }
  return digits;
}

/** BIT STRING of whole bytes. */
export function encodeBitString(bytes: Bytes): Bytes {
  return encodeDer(TAG.bitString, Uint8Array.of(0), bytes);
}
