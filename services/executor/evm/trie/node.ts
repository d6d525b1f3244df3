import type { Bytes } from "../../../../shared/bytes/mod.ts";

/**
 * How a parent names a node: a 32-byte hash, or the encoding itself when that is shorter. The
 * bytes are a range of a larger array, so that reading a branch allocates no view per child. A
 * null source marks a node that changed since it was last hashed.
 */
abstract class Referenced {
  source: Bytes | null = null;
  offset = 0;
  size = 0;

  /** Sets the reference. */
  refer(source: Bytes, offset: number, size: number): void {
    this.source = source;
    this.offset = offset;
    this.size = size;
  }

  /** Whether the store has the node, under the hash of the reference. */
  get isStored(): boolean {
    return this.source !== null && this.size === HASH_SIZE;
  }
}

/** Size of the hash of a node. */
export const HASH_SIZE = 32;

/** A node that was read or made. */
abstract class InMemory extends Referenced {
  /** Generation of {@linkcode NodeMemory} in which it was last walked over. */
  used = 0;
}

/**
 * A value at the end of a path. The path is `nibbles[start..]`, a range of the nibbles of a key or
 * of a decoded path: splitting a path moves `start` and copies nothing.
 */
export class LeafNode extends InMemory {
  readonly kind = "leaf";
  constructor(readonly nibbles: Bytes, readonly start: number, public value: Bytes) {
    super();
  }
}

/** A stretch `nibbles[start..end)` without a fork, above a branch. */
export class ExtensionNode extends InMemory {
  readonly kind = "extension";
  readonly nibbles: Bytes;
  readonly start: number;
  readonly end: number;
  child: BranchNode | HashNode;

  constructor({ nibbles, start, end, child }: ExtensionParts) {
    super();
    this.nibbles = nibbles;
    this.start = start;
    this.end = end;
    this.child = child;
  }
}

/** What an extension is made of. */
export interface ExtensionParts {
  readonly nibbles: Bytes;
  readonly start: number;
  readonly end: number;
  readonly child: BranchNode | HashNode;
}

/** A child in memory, or that there is one in the encoding, or that there is none. */
export type Way = LoadedNode | HashNode | typeof UNREAD | null;

/** A fork: one child per nibble, and the value of the key that ends here. */
export class BranchNode extends InMemory {
  readonly kind = "branch";
  /**
   * The encoding as of the last commit or reading, null before the first one. It holds the hashes
   * of the children that are {@linkcode UNREAD}: 16 objects for them would take twice its memory.
   */
  encoded: Bytes | null = null;
  value: Bytes | null = null;
  /** Null while the encoding tells all. */
  #ways: Way[] | null = null;

  /** The 16 ways out of the branch, to be changed at will. */
  get ways(): Way[] {
    return this.#ways ??= this.encoded === null ? CLOSED.slice() : waysOf(this.encoded);
  }

  /** Whether a child may be in memory. */
  get hasWays(): boolean {
    return this.#ways !== null;
  }

  /** Frees the ways of a branch whose children are all closed or unread. */
  dropWays(): void {
    this.#ways = null;
  }

  /** A child, which may be the hash of one. */
  child(way: number): TrieNode | null {
    const known = this.#ways === null ? UNREAD : this.#ways[way] ?? null;
    if (known !== UNREAD) return known;
    const encoded = this.encoded as Bytes;
    let at = listStart(encoded);
    for (let before = 0; before < way; before++) at += itemSize(encoded, at);
    return encoded[at] === NO_CHILD ? null : new HashNode(encoded, at + 1);
  }
}

const CLOSED: readonly null[] = new Array(16).fill(null);

/** How an encoded branch says that a way is closed. */
const NO_CHILD = 0x80;

/** The ways of an encoded branch without embedded children. */
function waysOf(encoded: Bytes): Way[] {
  let at = listStart(encoded);
  return CLOSED.map(() => {
    const isClosed = encoded[at] === NO_CHILD;
    at += itemSize(encoded, at);
    return isClosed ? null : UNREAD;
  });
}

/** A child whose hash lies in the encoding of its branch. */
export const UNREAD = Symbol("unread");

/** Where the items of an encoded list begin. */
export function listStart(encoded: Bytes): number {
  const prefix = encoded[0] as number;
  return prefix <= 0xf7 ? 1 : prefix - 0xf6;
}

/** Size with its header of an item of a branch but the value: nothing, a hash, or a short node. */
export function itemSize(encoded: Bytes, at: number): number {
  const prefix = encoded[at] as number;
  return prefix < 0xc0 ? prefix - 0x7f : prefix - 0xbf;
}

/** A node that was not read yet. */
export class HashNode extends Referenced {
  readonly kind = "hash";
  constructor(source: Bytes, offset: number) {
    super();
    this.refer(source, offset, HASH_SIZE);
  }
}

/** A node in memory. */
export type LoadedNode = LeafNode | ExtensionNode | BranchNode;

/** A node in memory or the hash of one. */
export type TrieNode = LoadedNode | HashNode;

/** The nibbles of a key, high half first. */
export function nibblesOf(key: Bytes): Bytes {
  const nibbles = new Uint8Array(2 * key.length);
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] as number;
    nibbles[2 * i] = byte >> 4;
    nibbles[2 * i + 1] = byte & 15;
  }
  return nibbles;
}

/** The hash that a hash node or a stored one stands for, as its own array. */
export function hashOf({ source, offset }: Referenced): Bytes {
  return (source as Bytes).slice(offset, offset + HASH_SIZE);
}
