/**
 * The handshake that names the protocol of a stream (spec/network.md, section 3.5): one molecule
 * table each way.
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";

/** A protocol and the versions of it that a side supports. */
export interface ProtocolInfo {
  readonly name: string;
  readonly versions: readonly string[];
}

/** The only protocol between nodes. */
export const NODE_PROTOCOL: ProtocolInfo = { name: "/p2p/0", versions: ["0.0.1"] };

const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true });

const NUMBER_SIZE = 4;

/** Encodes a table of a name and a vector of versions; all numbers are little-endian. */
export function encodeProtocolInfo({ name, versions }: ProtocolInfo): Bytes {
  return encodeItems([
    encodeText(name),
    encodeItems(versions.map((version) => encodeText(version))),
  ]);
}

/** Decodes what {@linkcode encodeProtocolInfo} wrote; null when it is malformed. */
export function decodeProtocolInfo(bytes: Bytes): ProtocolInfo | null {
  const [name, versions, ...others] = decodeItems(bytes) ?? [];
  if (name === undefined || versions === undefined || others.length > 0) return null;
  const nameText = decodeText(name);
  const versionTexts = decodeItems(versions)?.map((version) => decodeText(version));
  if (nameText === null || versionTexts === undefined) return null;
  const known = versionTexts.filter((version) => version !== null);
  return known.length < versionTexts.length ? null : { name: nameText, versions: known };
}

/**
 * The acceptor's answer: the highest common version in string order, none when the protocol is
 * unknown or nothing is common.
 */
export function answerProtocol(proposed: ProtocolInfo): ProtocolInfo {
  const common = proposed.name === NODE_PROTOCOL.name
    ? proposed.versions.filter((version) => NODE_PROTOCOL.versions.includes(version)).sort()
    : [];
  return { name: proposed.name, versions: common.slice(-1) };
}

/** A molecule table or dynamic vector: total size, offset of each item, items. */
function encodeItems(items: readonly Bytes[]): Bytes {
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

function decodeItems(bytes: Bytes): Bytes[] | null {
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

function encodeText(text: string): Bytes {
  const content = UTF8.encode(text);
  const bytes = new Uint8Array(NUMBER_SIZE + content.length);
  new DataView(bytes.buffer).setUint32(0, content.length, true);
  bytes.set(content, NUMBER_SIZE);
  return bytes;
}

function decodeText(bytes: Bytes): string | null {
  if (readNumber(bytes, 0) !== bytes.length - NUMBER_SIZE) return null;
  try {
    return STRICT_UTF8.decode(bytes.subarray(NUMBER_SIZE));
  } catch {
    return null; // the decoder only throws for malformed UTF-8
  }
}

function readNumber(bytes: Bytes, offset: number): number | null {
  if (offset + NUMBER_SIZE > bytes.length) return null;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}
