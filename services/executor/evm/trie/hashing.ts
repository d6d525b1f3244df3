import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { HASH_SIZE, type LoadedNode, type TrieNode, UNREAD } from "./node.ts";
import { NodeEncoder } from "./node_codec.ts";
import type { NodeSink, TrieParts } from "./parts.ts";

/** Nibbles of the longest key. */
const PATH_SIZE_MAX = 64;

/** One walk over the changed nodes of a trie, each of which is encoded and hashed once. */
export class Hashing {
  readonly #encoder = new NodeEncoder();
  readonly #parts: TrieParts;
  readonly #sink: NodeSink;
  /** Nibbles on the way to the node that is being encoded. */
  readonly #path = new Uint8Array(PATH_SIZE_MAX);

  constructor(parts: TrieParts, sink: NodeSink) {
    this.#parts = parts;
    this.#sink = sink;
  }

  /** Hashes all below a changed root, and the root also when it is short. */
  root(root: LoadedNode): void {
    const encoded = this.#encode(root, 0);
    const hash = this.#parts.keccak(encoded);
    this.#sink.put(EMPTY_BYTES, hash, encoded);
    root.refer(hash, 0, HASH_SIZE);
  }

  /** @param depth number of nibbles in `#path` that lead to the node */
  #encode(node: LoadedNode, depth: number) {
    node.used = this.#parts.memory.generation;
    if (node.kind === "extension") {
      this.#path.set(node.nibbles.subarray(node.start, node.end), depth);
      this.#refer(node.child, depth + node.end - node.start);
    } else if (node.kind === "branch") {
      const { ways } = node;
      for (let way = 0; way < ways.length; way++) {
        const child = ways[way] ?? null;
        if (child === null || child === UNREAD || child.source !== null) continue;
        this.#path[depth] = way;
        this.#refer(child, depth + 1);
      }
    }
    return this.#encoder.encode(node);
  }

  /** Makes the reference of a changed node by which its parent names it. */
  #refer(node: TrieNode, depth: number): void {
    if (node.source !== null || node.kind === "hash") return;
    const encoded = this.#encode(node, depth);
    if (encoded.length < HASH_SIZE) {
      node.refer(encoded, 0, encoded.length);
      return;
    }
    const hash = this.#parts.keccak(encoded);
    this.#sink.put(this.#path.slice(0, depth), hash, encoded);
    node.refer(hash, 0, HASH_SIZE);
  }
}
