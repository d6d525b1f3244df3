/**
 * The encoding of handshake messages, as far as they need it (spec/network.md, section 3.5). All
 * numbers are 32 bits, little-endian.
 *
 * @module
 */

import { type Bytes, concatBytes } from "../../../../shared/bytes/mod.ts";

const NUMBER_SIZE = 4;

/** A table or dynamic vector: total size, offset of each item, items. */
export function encodeItems(items: readonly Bytes[]): Bytes {
  const headSize = NUMBER_SIZE * (1 + items.length);
  const bytes = new Uint8Array(items.reduce((size, item) => size + item.length, headSize));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  let offset = headSize;
  for (const [index, item] of items.entries()) {
    view.setUint32(NUMBER_SIZE * (1 + index), offset, true);
    bytes.set(item, offset);
    offset += item.length;
  }
  return bytes;
}

/** The items that {@linkcode encodeItems} wrote, as views; null when it is malformed. */
export function decodeItems(bytes: Bytes): Bytes[] | null {
  const numberAt = (index: number) => readNumber(bytes, NUMBER_SIZE * index);
  if (numberAt(0) !== bytes.length) return null;
  if (bytes.length === NUMBER_SIZE) return [];
  const headSize = numberAt(1) ?? 0;
  if (headSize < 2 * NUMBER_SIZE || headSize % NUMBER_SIZE !== 0) return null;
  if (headSize > bytes.length) return null;
  const count = headSize / NUMBER_SIZE - 1;
  const items: Bytes[] = [];
  let start = headSize;
  for (let index = 1; index <= count; index++) {
    const end = index === count ? bytes.length : numberAt(index + 1);
    if (end === null || end < start || end > bytes.length) return null;
    items.push(bytes.subarray(start, end));
    start = end;
  }
  return items;
}

/** A vector of bytes: their number and they. */
export function encodeVector(content: Bytes): Bytes {
  return concatBytes(encodeNumber(content.length), content);
}

/** The bytes of a vector; null when their number is another. */
export function decodeVector(bytes: Bytes): Bytes | null {
  const content = bytes.subarray(NUMBER_SIZE);
  return readNumber(bytes, 0) === content.length ? content : null;
}

/** A union: the number of the kind of its content, and the content. */
export function encodeUnion(kind: number, content: Bytes): Bytes {
  return concatBytes(encodeNumber(kind), content);
}

/** The content of a union; null when it is of another kind. */
export function decodeUnion(kind: number, bytes: Bytes): Bytes | null {
  return readNumber(bytes, 0) === kind ? bytes.subarray(NUMBER_SIZE) : null;
}

function encodeNumber(value: number): Bytes {
  const bytes = new Uint8Array(NUMBER_SIZE);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function readNumber(bytes: Bytes, offset: number): number | null {
  if (offset + NUMBER_SIZE > bytes.length) return null;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}
