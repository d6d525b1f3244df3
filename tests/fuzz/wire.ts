/**
 * Protobuf as the wire format defines it, by tables and without the codecs of the project: what it
 * refuses no service may take, and what it encodes is the canonical form (spec/protocol.md, 2.1).
 *
 * @module
 */

import { type Bytes, concatBytes } from "../../shared/bytes/mod.ts";

/** What a field holds. */
export type Kind =
  | "u32"
  | "u64"
  | "bytes"
  | "string"
  | { readonly message: Schema }
  | { readonly each: "bytes" | { readonly message: Schema } };

/** The fields of a message by number. */
export type Schema = Readonly<Record<number, Kind>>;

/** A value of a field. */
export type Value = bigint | Bytes | Message;

/** A decoded message: values by field number; several only where the field is repeated. */
export class Message {
  readonly fields = new Map<number, Value[]>();
  /** A sub-message comes twice: it may be merged or replaced, and nobody can tell what was meant. */
  isAmbiguous = false;

  /** A number; 0 by default. */
  uint(number: number): bigint {
    const value = this.fields.get(number)?.at(-1);
    return typeof value === "bigint" ? value : 0n;
  }

  /** Bytes; empty by default. */
  bytes(number: number): Bytes {
    const value = this.fields.get(number)?.at(-1);
    return value instanceof Uint8Array ? value : new Uint8Array();
  }

  /** A sub-message; null when it is absent. */
  message(number: number): Message | null {
    const value = this.fields.get(number)?.at(-1);
    return value instanceof Message ? value : null;
  }

  /** All values of a repeated field. */
  each(number: number): readonly Value[] {
    return this.fields.get(number) ?? [];
  }
}

/** The bytes are not a message. */
class Malformed extends Error {}

/** Decodes a message; null when it is malformed. */
export function decodeStrictly(schema: Schema, bytes: Bytes): Message | null {
  try {
    return readMessage(schema, bytes);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

class Reader {
  position = 0;

  constructor(readonly bytes: Bytes) {}

  get isAtEnd(): boolean {
    return this.position === this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value >= 1n << 64n) throw new Malformed();
        return value;
      }
    }
    throw new Malformed();
  }

  take(size: number): Bytes {
    const end = this.position + size;
    if (end > this.bytes.length) throw new Malformed();
    const taken = this.bytes.subarray(this.position, end);
    this.position = end;
    return taken;
  }

  delimited(): Bytes {
    const size = this.varint();
    if (size > BigInt(this.bytes.length)) throw new Malformed();
    return this.take(Number(size));
  }

  tag(): { number: number; wire: number } {
    const tag = this.varint();
    if (tag >= 1n << 32n || tag < 8n) throw new Malformed();
    return { number: Number(tag >> 3n), wire: Number(tag & 7n) };
  }

  skip({ number, wire }: { number: number; wire: number }): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.take(8);
    else if (wire === 2) this.delimited();
    else if (wire === 5) this.take(4);
    else if (wire === 3) this.skipGroup(number);
    else throw new Malformed();
  }

  skipGroup(number: number): void {
    while (true) {
      const tag = this.tag();
      if (tag.wire === 4) {
        if (tag.number !== number) throw new Malformed();
        return;
      }
      this.skip(tag);
    }
  }
}

function readMessage(schema: Schema, bytes: Bytes): Message {
  const message = new Message();
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    const kind = schema[tag.number];
    if (kind === undefined) {
      reader.skip(tag);
      continue;
    }
    const known = message.fields.get(tag.number);
    const value = readValue(kind, tag.wire, reader);
    if (known !== undefined && typeof kind === "object" && "each" in kind) known.push(value);
    else message.fields.set(tag.number, [value]);
    const isTwice = known !== undefined && typeof kind === "object" && "message" in kind;
    if (isTwice || value instanceof Message && value.isAmbiguous) message.isAmbiguous = true;
  }
  return message;
}

function readValue(kind: Kind, wire: number, reader: Reader): Value {
  if (kind === "u32" || kind === "u64") {
    if (wire !== 0) throw new Malformed();
    return BigInt.asUintN(kind === "u32" ? 32 : 64, reader.varint());
  }
  if (wire !== 2) throw new Malformed();
  const bytes = reader.delimited();
  const inner = typeof kind === "object" && "each" in kind ? kind.each : kind;
  if (inner === "string") assertUtf8(bytes);
  return typeof inner === "object" && "message" in inner
    ? readMessage(inner.message, bytes)
    : bytes;
}

function assertUtf8(bytes: Bytes): void {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Malformed();
  }
}

/** Encodes canonically: fields in their order, no defaults, no unknown fields. */
export function encodeCanonically(schema: Schema, message: Message): Bytes {
  const parts: Bytes[] = [];
  for (const [number, kind] of Object.entries(schema)) {
    const isRepeated = typeof kind === "object" && "each" in kind;
    const inner = isRepeated ? kind.each : kind;
    for (const value of message.each(Number(number))) {
      if (typeof value === "bigint") {
        if (value !== 0n) parts.push(varint(BigInt(number) << 3n), varint(value));
        continue;
      }
      const bytes = value instanceof Message
        ? encodeCanonically(
          typeof inner === "object" && "message" in inner ? inner.message : {},
          value,
        )
        : value;
      if (bytes.length === 0 && !isRepeated && !(value instanceof Message)) continue;
      parts.push(varint(BigInt(number) << 3n | 2n), varint(BigInt(bytes.length)), bytes);
    }
  }
  return concatBytes(...parts);
}

function varint(value: bigint): Bytes {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** `blockchain.BlockHeader`, of which a hash is made. */
export const BLOCK_HEADER: Schema = { 1: "bytes", 2: "u64", 3: "u64", 4: "bytes", 5: "bytes" };
const WITNESS: Schema = { 1: "bytes", 2: "bytes" };

/** `blockchain.Transaction`, of which a hash is made. */
export const TRANSACTION: Schema = {
  1: "u32",
  2: "bytes",
  3: "string",
  4: "u64",
  5: "u64",
  6: "bytes",
  7: "bytes",
  8: "bytes",
};

/** `blockchain.UtxoTransaction`, of which a hash is made. */
export const UTXO_TRANSACTION: Schema = { 1: "u32", 2: "bytes", 3: "bytes", 4: "u64" };

/** `blockchain.RawTransaction`. */
export const RAW_TRANSACTION: Schema = {
  1: { message: { 1: { message: TRANSACTION }, 2: "bytes", 3: { message: WITNESS } } },
  2: {
    message: { 1: { message: UTXO_TRANSACTION }, 2: "bytes", 3: { each: { message: WITNESS } } },
  },
};

/** `blockchain.RawTransactions`. */
export const RAW_TRANSACTIONS: Schema = { 1: { each: { message: RAW_TRANSACTION } } };

/** `blockchain.Block`. */
export const BLOCK: Schema = {
  1: "u32",
  2: { message: BLOCK_HEADER },
  3: { message: RAW_TRANSACTIONS },
  4: "bytes",
};

/** `blockchain.CompactBlock`. */
export const COMPACT_BLOCK: Schema = {
  1: "u32",
  2: { message: BLOCK_HEADER },
  3: { message: { 1: { each: "bytes" } } },
};
