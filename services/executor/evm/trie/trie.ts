import {
  type Bytes,
  concatBytes,
  EMPTY_BYTES,
  equalBytes,
  toHex,
} from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import {
  BranchNode,
  ExtensionNode,
  HashNode,
  hashOf,
  LeafNode,
  type LoadedNode,
  nibblesOf,
  type TrieNode,
} from "./node.ts";
import { decodeNode, MalformedNodeError, NodeEncoder } from "./node_codec.ts";

/** Where the nodes of a trie are read; synchronous, so that contracts run without waiting. */
export interface NodeReader {
  /** The node with that hash, or null when there is none. */
  get(hash: Bytes): Bytes | null;
}

/** Takes the new nodes of a commit; both arrays belong to the receiver and never change. */
export type NodeSink = (hash: Bytes, node: Bytes) => void;

/** A node that the trie refers to is not in the store: data were lost or the root is unknown. */
export class MissingNodeError extends Error {
  override name = "MissingNodeError";
  constructor(readonly hash: Bytes) {
    super(`Cannot read the trie node 0x${toHex(hash)}: the store does not have it`);
  }
}

/**
 * A hexary Merkle Patricia trie with the encoding of Ethereum. Keys are used as they are, not
 * hashed. Nodes are read when they are needed, changed in place and hashed once per commit; all
 * that were read stay in memory, so drop the trie to free them. Node bytes are trusted: their
 * hashes are not checked.
 *
 * 1,000 puts into a trie of 10,000 accounts and their commit: 10-20 ms (2,200 nodes hashed), where
 * the throw-away prototype took 42 ms.
 */
export class Trie {
  readonly #encoder = new NodeEncoder();
  readonly #emptyRoot: Bytes;
  #root: TrieNode | null;

  /** @param root a root that {@linkcode commit} returned; the hash of `0x80` is the empty trie */
  constructor(
    readonly reader: NodeReader,
    root: Bytes,
    readonly keccak: HashFunction,
  ) {
    this.#emptyRoot = keccak(new Uint8Array([0x80]));
    this.#root = equalBytes(root, this.#emptyRoot) ? null : new HashNode(root, 0);
  }

  /** The value of a key, or null. */
  get(key: Bytes): Bytes | null {
    const nibbles = nibblesOf(key);
    let at = 0;
    let node = this.#root === null ? null : (this.#root = this.#load(this.#root));
    while (node !== null) {
      if (node.kind === "leaf") return endsWith(node, nibbles, at) ? node.value : null;
      if (node.kind === "extension") {
        const size = node.end - node.start;
        if (commonSize(node, nibbles, at) < size) return null;
        at += size;
        node = node.child = this.#loadBranch(node.child);
        continue;
      }
      if (at === nibbles.length) return node.value;
      const nibble = nibbles[at++] as number;
      const child: TrieNode | null = node.children[nibble] ?? null;
      node = child === null ? null : (node.children[nibble] = this.#load(child));
    }
    return null;
  }

  /** Sets the value of a key; an empty value deletes it. A failure changes nothing. */
  put(key: Bytes, value: Bytes): void {
    if (value.length === 0) this.delete(key);
    else this.#root = this.#insert(this.#root, { nibbles: nibblesOf(key), value }, 0);
  }

  /** Removes a key; one that is absent is no change. A failure changes nothing. */
  delete(key: Bytes): void {
    if (this.#root !== null) this.#root = this.#remove(this.#root, nibblesOf(key), 0);
  }

  /**
   * Hashes what changed since the last commit, gives each new node to the sink (children before
   * parents) and returns the root. The trie stays usable.
   */
  commit(sink: NodeSink): Bytes {
    const root = this.#root;
    if (root === null) return this.#emptyRoot;
    if (root.source === null) {
      const encoded = this.#encode(root as LoadedNode, sink);
      const hash = this.keccak(encoded);
      sink(hash, encoded);
      root.refer(hash, 0, 32);
    }
    return (root.source as Bytes).slice(root.offset, root.offset + 32);
  }

  #insert(target: TrieNode | null, entry: Entry, at: number): LoadedNode {
    const { nibbles, value } = entry;
    if (target === null) return new LeafNode(nibbles, at, value);
    const node = this.#load(target);
    if (node.kind === "branch") return this.#insertBelow(node, entry, at);
    const common = commonSize(node, nibbles, at);
    if (node.kind === "leaf") {
      if (node.start + common < node.nibbles.length || at + common < nibbles.length) {
        return fork(node, entry, { at, common });
      }
      if (!equalBytes(node.value, value)) {
        node.value = value;
        node.source = null;
      }
      return node;
    }
    if (node.start + common < node.end) return fork(node, entry, { at, common });
    node.child = this.#loadBranch(node.child);
    this.#insertBelow(node.child, entry, at + common);
    if (node.child.source === null) node.source = null;
    return node;
  }

  #insertBelow(branch: BranchNode, entry: Entry, at: number): BranchNode {
    const { nibbles, value } = entry;
    if (at === nibbles.length) {
      if (branch.value !== null && equalBytes(branch.value, value)) return branch;
      branch.value = value;
      branch.source = null;
      return branch;
    }
    const nibble = nibbles[at] as number;
    const child = this.#insert(branch.children[nibble] ?? null, entry, at + 1);
    branch.children[nibble] = child;
    if (child.source === null) branch.source = null;
    return branch;
  }

  #remove(target: TrieNode, nibbles: Bytes, at: number): LoadedNode | null {
    const node = this.#load(target);
    if (node.kind === "branch") return this.#removeBelow(node, nibbles, at);
    if (node.kind === "leaf") return endsWith(node, nibbles, at) ? null : node;
    const size = node.end - node.start;
    if (commonSize(node, nibbles, at) < size) return node;
    const branch = node.child = this.#loadBranch(node.child);
    const left = this.#removeBelow(branch, nibbles, at + size);
    if (left !== branch) return prefixed(node.nibbles.subarray(node.start, node.end), left);
    if (branch.source === null) node.source = null;
    return node;
  }

  #removeBelow(branch: BranchNode, nibbles: Bytes, at: number): LoadedNode {
    if (at === nibbles.length) {
      if (branch.value === null) return branch;
      return this.#closeWay(branch, VALUE_WAY);
    }
    const nibble = nibbles[at] as number;
    const child = branch.children[nibble] ?? null;
    if (child === null) return branch;
    const left = this.#remove(child, nibbles, at + 1);
    if (left === null) return this.#closeWay(branch, nibble);
    branch.children[nibble] = left;
    if (left.source === null) branch.source = null;
    return branch;
  }

  /**
   * Takes one way out of a branch; if a single one is left, what it leads to takes its place. That
   * node is read before anything is changed, so that a missing one leaves the trie as it was.
   */
  #closeWay(branch: BranchNode, closed: number): LoadedNode {
    let ways = 0;
    let last = VALUE_WAY;
    for (let way = 0; way <= VALUE_WAY; way++) {
      const open = way === VALUE_WAY ? branch.value : branch.children[way];
      if (way === closed || open === null) continue;
      ways++;
      last = way;
    }
    if (ways >= 2) {
      if (closed === VALUE_WAY) branch.value = null;
      else branch.children[closed] = null;
      branch.source = null;
      return branch;
    }
    if (last === VALUE_WAY) return new LeafNode(EMPTY_BYTES, 0, branch.value ?? EMPTY_BYTES);
    const child = branch.children[last] as TrieNode;
    return prefixed(new Uint8Array([last]), this.#load(child));
  }

  #encode(node: LoadedNode, sink: NodeSink): Bytes {
    if (node.kind === "extension") this.#refer(node.child, sink);
    else if (node.kind === "branch") {
      for (const child of node.children) if (child !== null) this.#refer(child, sink);
    }
    return this.#encoder.encode(node);
  }

  /** Makes the reference of a changed node by which its parent names it. */
  #refer(node: TrieNode, sink: NodeSink): void {
    if (node.source !== null || node.kind === "hash") return;
    const encoded = this.#encode(node, sink);
    if (encoded.length < 32) {
      node.refer(encoded, 0, encoded.length);
      return;
    }
    const hash = this.keccak(encoded);
    sink(hash, encoded);
    node.refer(hash, 0, 32);
  }

  #load(node: TrieNode): LoadedNode {
    if (node.kind !== "hash") return node;
    const hash = hashOf(node);
    const bytes = this.reader.get(hash);
    if (bytes === null) throw new MissingNodeError(hash);
    const loaded = decodeNode(bytes);
    loaded.refer(hash, 0, 32);
    return loaded;
  }

  #loadBranch(node: BranchNode | HashNode): BranchNode {
    const loaded = this.#load(node);
    if (loaded.kind === "branch") return loaded;
    throw new MalformedNodeError("Cannot read a trie node: an extension must lead to a branch");
  }
}

/** The way out of a branch that is no nibble. */
const VALUE_WAY = 16;

/** What is put: the nibbles of the whole key, and the value. */
interface Entry {
  readonly nibbles: Bytes;
  readonly value: Bytes;
}

/** Number of nibbles that the path of a node shares with `nibbles[at..]`. */
function commonSize(node: LeafNode | ExtensionNode, nibbles: Bytes, at: number): number {
  const { nibbles: path, start } = node;
  const end = node.kind === "leaf" ? path.length : node.end;
  const size = Math.min(end - start, nibbles.length - at);
  for (let i = 0; i < size; i++) if (path[start + i] !== nibbles[at + i]) return i;
  return size;
}

/** Whether the leaf holds the key `nibbles` of which `at` nibbles were walked. */
function endsWith(leaf: LeafNode, nibbles: Bytes, at: number): boolean {
  const size = nibbles.length - at;
  return leaf.nibbles.length - leaf.start === size && commonSize(leaf, nibbles, at) === size;
}

/** A branch after `common` nibbles of a leaf or extension, with the new entry on one way. */
function fork(
  node: LeafNode | ExtensionNode,
  { nibbles, value }: Entry,
  { at, common }: { readonly at: number; readonly common: number },
): LoadedNode {
  const branch = new BranchNode();
  const split = node.start + common;
  const nibble = node.nibbles[split];
  if (node.kind === "extension") {
    branch.children[nibble as number] = split + 1 === node.end ? node.child : new ExtensionNode({
      nibbles: node.nibbles,
      start: split + 1,
      end: node.end,
      child: node.child,
    });
  } else if (nibble === undefined) branch.value = node.value;
  else branch.children[nibble] = new LeafNode(node.nibbles, split + 1, node.value);
  const own = nibbles[at + common];
  if (own === undefined) branch.value = value;
  else branch.children[own] = new LeafNode(nibbles, at + common + 1, value);
  if (common === 0) return branch;
  return new ExtensionNode({ nibbles, start: at, end: at + common, child: branch });
}

/** The node with a path in front of its own. */
function prefixed(prefix: Bytes, node: LoadedNode): LeafNode | ExtensionNode {
  if (node.kind === "branch") {
    return new ExtensionNode({ nibbles: prefix, start: 0, end: prefix.length, child: node });
  }
  const end = node.kind === "leaf" ? node.nibbles.length : node.end;
  const path = concatBytes(prefix, node.nibbles.subarray(node.start, end));
  if (node.kind === "leaf") return new LeafNode(path, 0, node.value);
  return new ExtensionNode({ nibbles: path, start: 0, end: path.length, child: node.child });
}
