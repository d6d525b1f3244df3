/**
 * The Merkle Patricia trie of accounts and of contract storage (spec/executor_evm.md, section 5).
 *
 * @module
 */

export { MalformedNodeError } from "./node_codec.ts";
export { MissingNodeError, type NodeReader, type NodeSink, Trie } from "./trie.ts";
export { walkTrie } from "./walk.ts";
