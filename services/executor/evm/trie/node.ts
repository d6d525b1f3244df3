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
}

/**
 * A value at the end of a path. The path is `nibbles[start..]`, a range of the nibbles of a key or
 * of a decoded path: splitting a path moves `start` and copies nothing.
 */
export class LeafNode extends Referenced {
  readonly kind = "leaf";
  constructor(readonly nibbles: Bytes, readonly start: number, public value: Bytes) {
    super();
  }
}

/** A stretch `nibbles[start..end)` without a fork, above a branch. */
export class ExtensionNode extends Referenced {
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

/** A fork: one child per nibble, and the value of the key that ends here. */
export class BranchNode extends Referenced {
  readonly kind = "branch";
  readonly children: (TrieNode | null)[] = [
    ...[null, null, null, null, null, null, null, null],
    ...[null, null, null, null, null, null, null, null],
  ];
  value: Bytes | null = null;
}

/** A node that was not read yet. */
export class HashNode extends Referenced {
  readonly kind = "hash";
  constructor(source: Bytes, offset: number) {
    super();
    this.refer(source, offset, 32);
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

/** The hash that a hash node stands for, as its own array. */
export function hashOf(node: HashNode): Bytes {
  return (node.source as Bytes).slice(node.offset, node.offset + 32);
}
