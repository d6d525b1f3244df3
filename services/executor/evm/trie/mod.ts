/**
 * The Merkle Patricia trie of accounts and of contract storage (spec/executor_evm.md, section 5).
 *
 * @module
 */

export { MalformedNodeError, ROOM_IN_FRONT } from "./node_codec.ts";
export { NodeMemory } from "./node_memory.ts";
export { MissingNodeError, type NodeReader, type NodeSink, Trie, type TrieParts } from "./trie.ts";
export { walkTrie } from "./walk.ts";
