import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import type { NodeMemory } from "./node_memory.ts";

/** Where the nodes of a trie are read; synchronous, so that contracts run without waiting. */
export interface NodeReader {
  /**
   * A node, or null when there is none.
   *
   * @param path the nibbles that lead to it
   */
  get(path: Bytes, hash: Bytes): Bytes | null;
}

/** Takes what a commit changes; all arrays belong to the receiver and never change. */
export interface NodeSink {
  /**
   * A new node at the end of a path; it may be the same as one that is removed. Its buffer has
   * {@linkcode ROOM_IN_FRONT} for the receiver.
   */
  put(path: Bytes, hash: Bytes, node: Bytes): void;
  /** A stored node that is not a part of the trie any more. */
  remove(path: Bytes, hash: Bytes): void;
}

/** What tries of one state share. */
export interface TrieParts {
  readonly reader: NodeReader;
  readonly keccak: HashFunction;
  readonly memory: NodeMemory;
  /** Whether commits tell what is to be removed, for stores that do not keep everything. */
  readonly tellsRemoved: boolean;
}
