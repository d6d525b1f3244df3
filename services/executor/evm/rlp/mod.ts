/**
 * Recursive Length Prefix, the encoding of trie nodes, accounts, receipts and headers
 * (spec/executor_evm.md, notation). Reading is strict: there is one encoding of each value.
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { RlpCursor, RlpError } from "./cursor.ts";
import { headerSize, writeHeader } from "./header.ts";
import { RlpWriter } from "./writer.ts";

export { RlpCursor, RlpError } from "./cursor.ts";
export { headerSize, writeHeader } from "./header.ts";
export { RlpWriter } from "./writer.ts";

/** A decoded value: a byte string or a list. */
export type RlpItem = Bytes | readonly RlpItem[];

/** Deepest nesting of lists that {@linkcode decode} accepts; the executor's own data uses 4. */
export const RLP_DEPTH_MAX = 64;

/** Encodes a byte string. */
export function encodeBytes(value: Bytes): Bytes {
  const size = value.length;
  if (size === 1 && (value[0] as number) < 0x80) return value;
  const header = headerSize(size);
  const encoded = new Uint8Array(header + size);
  writeHeader({ target: encoded, offset: 0, base: 0x80, size });
  encoded.set(value, header);
  return encoded;
}

/** Encodes a list whose items are encoded already. */
export function encodeList(items: readonly Bytes[]): Bytes {
  let size = 0;
  for (const item of items) size += item.length;
  const encoded = new Uint8Array(headerSize(size) + size);
  let offset = writeHeader({ target: encoded, offset: 0, base: 0xc0, size });
  for (const item of items) {
    encoded.set(item, offset);
    offset += item.length;
  }
  return encoded;
}

const writer = new RlpWriter();

/** Encodes a non-negative integer as its shortest big-endian byte string; 0 is the empty one. */
export function encodeUint(value: bigint | number): Bytes {
  writer.begin();
  writer.uint(value);
  return writer.take().slice();
}

/**
 * Decodes exactly one item. Byte strings are views of the input.
 *
 * @throws RlpError when the input is cut off, not canonical, nested too deeply or has bytes left
 */
export function decode(bytes: Bytes): RlpItem {
  const cursor = new RlpCursor(bytes);
  cursor.next();
  if (!cursor.done) {
    throw new RlpError(
      `Cannot decode RLP: it must be one item, got ${bytes.length - cursor.end} bytes after it`,
    );
  }
  return itemAt(cursor, 0);
}

/** Reads a decoded byte string as an unsigned integer; throws {@linkcode RlpError} for a list or leading zeros. */
export function decodeUint(item: RlpItem): bigint {
  if (!(item instanceof Uint8Array)) {
    throw new RlpError("Cannot read an integer: it must be a byte string, got a list");
  }
  if (item.length === 0) return 0n;
  if (item[0] === 0) throw new RlpError("Cannot read an integer: it must not begin with zero");
  let hex = "0x";
  for (const byte of item) hex += (byte < 16 ? "0" : "") + byte.toString(16);
  return BigInt(hex);
}

function itemAt(cursor: RlpCursor, depth: number): RlpItem {
  if (!cursor.isList) return cursor.bytes.subarray(cursor.start, cursor.end);
  if (depth === RLP_DEPTH_MAX) {
    throw new RlpError(`Cannot decode RLP: lists must be nested at most ${RLP_DEPTH_MAX} deep`);
  }
  const items: RlpItem[] = [];
  const inner = new RlpCursor(cursor.bytes, cursor.start, cursor.end);
  while (!inner.done) {
    inner.next();
    items.push(itemAt(inner, depth + 1));
  }
  return items;
}
