/**
 * The Merkle Patricia trie of accounts and of contract storage (spec/executor_evm.md, section 5).
 *
 * @module
 */

export { MalformedNodeError, ROOM_IN_FRONT } from "./node_codec.ts";
export { NodeMemory } from "./node_memory.ts";
export type { NodeReader, NodeSink, TrieParts } from "./parts.ts";
export { EMPTY_ROOT, MissingNodeError, Trie } from "./trie.ts";
export { walkTrie } from "./walk.ts";
