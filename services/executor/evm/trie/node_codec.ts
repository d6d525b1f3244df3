import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { headerSize, RlpCursor, RlpError, writeHeader } from "../rlp/mod.ts";
import {
  BranchNode,
  ExtensionNode,
  HASH_SIZE,
  HashNode,
  itemSize,
  LeafNode,
  listStart,
  type LoadedNode,
  type TrieNode,
  UNREAD,
  type Way,
} from "./node.ts";

/** Bytes of the store that are no node of a Merkle Patricia trie. */
export class MalformedNodeError extends Error {
  override name = "MalformedNodeError";
}

/** Reads a stored node. The node keeps views of the bytes. */
export function decodeNode(bytes: Bytes): LoadedNode {
  try {
    const cursor = new RlpCursor(bytes);
    cursor.next();
    if (!cursor.isList || !cursor.done) throw new RlpError("A node must be one list");
    return decodeList(cursor);
  } catch (cause) {
    if (cause instanceof RlpError) {
      throw new MalformedNodeError(`Cannot read a trie node: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

/** The list that the cursor stands on: 17 items are a branch, 2 items a leaf or an extension. */
function decodeList(list: RlpCursor): LoadedNode {
  const { bytes } = list;
  const items = new RlpCursor(bytes, list.start, list.end);
  let count = 0;
  for (; !items.done; count++) items.next();
  const reader = new RlpCursor(bytes, list.start, list.end);
  if (count === 17) {
    const branch = decodeBranch(reader);
    branch.encoded = bytes.subarray(list.itemStart, list.end);
    return branch;
  }
  if (count === 2) return decodeShort(reader);
  throw new RlpError(`A node must have 2 or 17 items, got ${count}`);
}

function decodeBranch(cursor: RlpCursor): BranchNode {
  const branch = new BranchNode();
  const ways: Way[] = new Array(16);
  let count = 0;
  let hasEmbedded = false;
  for (let nibble = 0; nibble < 16; nibble++) {
    cursor.next();
    const way = ways[nibble] = decodeWay(cursor);
    if (way === null) continue;
    count++;
    if (way !== UNREAD) hasEmbedded = true;
  }
  cursor.next();
  branch.value = decodeValue(cursor);
  if (count + (branch.value === null ? 0 : 1) < 2) {
    throw new RlpError("A branch must have at least two ways");
  }
  if (hasEmbedded) ways.forEach((way, nibble) => branch.ways[nibble] = way);
  return branch;
}

function decodeShort(cursor: RlpCursor): LeafNode | ExtensionNode {
  cursor.next();
  const { bytes, start, end } = cursor;
  if (cursor.isList || start === end) throw new RlpError("A path must be a byte string");
  const flags = bytes[start] as number;
  if (flags > 0x3f || ((flags & 0x10) === 0 && (flags & 0x0f) !== 0)) {
    throw new RlpError(`A path must begin with 0, 1, 2 or 3, got byte ${flags}`);
  }
  const nibbles = unpackPath(cursor, (flags & 0x10) !== 0);
  cursor.next();
  if ((flags & 0x20) !== 0) {
    const value = decodeValue(cursor);
    if (value === null) throw new RlpError("A leaf must have a value");
    return new LeafNode(nibbles, 0, value);
  }
  const way = decodeWay(cursor);
  if (way === null || nibbles.length === 0) throw new RlpError("An extension must lead on");
  const child = way === UNREAD ? new HashNode(cursor.bytes, cursor.start) : way;
  if (child.kind !== "branch" && child.kind !== "hash") {
    throw new RlpError("An extension must lead to a branch");
  }
  return new ExtensionNode({ nibbles, start: 0, end: nibbles.length, child });
}

/** Nibbles of the hex-prefix form: an odd path has its first nibble in the flag byte. */
function unpackPath({ bytes, start, end }: RlpCursor, odd: boolean): Bytes {
  const nibbles = new Uint8Array(2 * (end - start - 1) + (odd ? 1 : 0));
  let at = 0;
  if (odd) nibbles[at++] = (bytes[start] as number) & 15;
  for (let i = start + 1; i < end; i++) {
    const byte = bytes[i] as number;
    nibbles[at++] = byte >> 4;
    nibbles[at++] = byte & 15;
  }
  return nibbles;
}

function decodeValue(cursor: RlpCursor): Bytes | null {
  if (cursor.isList) throw new RlpError("A value must be a byte string");
  if (cursor.start === cursor.end) return null;
  return cursor.bytes.subarray(cursor.start, cursor.end);
}

/** What the item that the cursor stands on leads to. */
function decodeWay(cursor: RlpCursor): Way {
  const { bytes, itemStart, start, end } = cursor;
  if (!cursor.isList) {
    if (start === end) return null;
    if (end - start !== HASH_SIZE) {
      throw new RlpError(`A child must be a hash, got ${end - start} bytes`);
    }
    return UNREAD;
  }
  const size = end - itemStart;
  if (size >= HASH_SIZE) throw new RlpError(`An embedded node must be below 32 bytes, got ${size}`);
  const node = decodeList(cursor);
  node.refer(bytes, itemStart, size);
  return node;
}

/** Bytes in front of an encoded node in its buffer, which belong to whoever stores it. */
export const ROOM_IN_FRONT = 8;

/**
 * Encodes nodes whose children are referenced already. One scratch area serves all nodes of a
 * trie, so that a node costs a single buffer: the one that is hashed, stored and, for a branch,
 * kept, with {@linkcode ROOM_IN_FRONT}.
 */
export class NodeEncoder {
  #scratch = new Uint8Array(1024);

  /** The encoding of the node, as its own array. */
  encode(node: LoadedNode): Bytes {
    if (node.kind === "branch") return this.#branch(node);
    const end = node.kind === "leaf" ? node.nibbles.length : node.end;
    const pathSize = 1 + ((end - node.start) >> 1);
    const tailSize = node.kind === "leaf" ? stringSize(node.value) : referenceSize(node.child);
    let offset = this.#begin((pathSize === 1 ? 1 : 1 + pathSize) + tailSize);
    offset = this.#path(node, offset, end);
    offset = node.kind === "leaf"
      ? this.#string(node.value, offset)
      : this.#reference(node.child, offset);
    return this.#result(offset);
  }

  #result(size: number): Bytes {
    const record = new Uint8Array(ROOM_IN_FRONT + size);
    record.set(this.#scratch.subarray(0, size), ROOM_IN_FRONT);
    return record.subarray(ROOM_IN_FRONT);
  }

  /** Also makes what it gives the array that the branch and its children refer to. */
  #branch(node: BranchNode): Bytes {
    let size = node.value === null ? 1 : stringSize(node.value);
    for (const way of node.ways) size += waySize(way);
    let offset = this.#begin(size);
    const { encoded: before, ways } = node;
    let from = before === null ? 0 : listStart(before);
    for (const child of ways) {
      if (child === null) this.#scratch[offset++] = 0x80;
      else if (child !== UNREAD) offset = this.#reference(child, offset);
      else offset = this.#copy(before as Bytes, from, offset);
      if (before !== null) from += itemSize(before, from);
    }
    if (node.value === null) this.#scratch[offset++] = 0x80;
    else offset = this.#string(node.value, offset);
    const encoded = this.#result(offset);
    referChildren(node, encoded);
    return encoded;
  }

  /** Copies the item of an unread child from an earlier encoding. */
  #copy(before: Bytes, from: number, to: number): number {
    const scratch = this.#scratch;
    for (let i = 0; i <= HASH_SIZE; i++) scratch[to + i] = before[from + i] as number;
    return to + HASH_SIZE + 1;
  }

  /** Makes room for a list of that payload size and writes its header. */
  #begin(size: number): number {
    if (size + 5 > this.#scratch.length) this.#scratch = new Uint8Array(2 * size + 5);
    return writeHeader({ target: this.#scratch, offset: 0, base: 0xc0, size });
  }

  /** Hex-prefix form: flag 2 for a leaf, flag 1 for an odd number of nibbles. */
  #path(node: LeafNode | ExtensionNode, from: number, end: number): number {
    const scratch = this.#scratch;
    const { nibbles } = node;
    const size = 1 + ((end - node.start) >> 1);
    let offset = from;
    let at = node.start;
    if (size > 1) offset = writeHeader({ target: scratch, offset, base: 0x80, size });
    const leafFlag = node.kind === "leaf" ? 0x20 : 0;
    const odd = ((end - at) & 1) === 1;
    scratch[offset++] = odd ? leafFlag | 0x10 | (nibbles[at++] as number) : leafFlag;
    for (; at < end; at += 2) {
      scratch[offset++] = ((nibbles[at] as number) << 4) | (nibbles[at + 1] as number);
    }
    return offset;
  }

  #string(value: Bytes, from: number): number {
    let offset = from;
    if (value.length !== 1 || (value[0] as number) >= 0x80) {
      const { length: size } = value;
      offset = writeHeader({ target: this.#scratch, offset, base: 0x80, size });
    }
    this.#scratch.set(value, offset);
    return offset + value.length;
  }

  #reference(node: TrieNode, from: number): number {
    const scratch = this.#scratch;
    const { source, offset: at, size } = node;
    let offset = from;
    if (size === HASH_SIZE) scratch[offset++] = 0xa0;
    for (let i = 0; i < size; i++) scratch[offset++] = (source as Bytes)[at + i] as number;
    return offset;
  }
}

function stringSize(value: Bytes): number {
  const size = value.length;
  return size === 1 && (value[0] as number) < 0x80 ? 1 : headerSize(size) + size;
}

function referenceSize(node: TrieNode): number {
  return node.size === HASH_SIZE ? HASH_SIZE + 1 : node.size;
}

function waySize(way: Way): number {
  if (way === null) return 1;
  return way === UNREAD ? HASH_SIZE + 1 : referenceSize(way);
}

/** Lets all children refer to the new encoding, so that earlier ones are free. */
function referChildren(branch: BranchNode, encoded: Bytes): void {
  branch.encoded = encoded;
  let at = listStart(encoded);
  for (const child of branch.ways) {
    if (child !== null && child !== UNREAD) {
      child.refer(encoded, child.size === HASH_SIZE ? at + 1 : at, child.size);
    }
    at += itemSize(encoded, at);
  }
}
