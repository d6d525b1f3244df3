import assert from "node:assert/strict";
import { type Bytes, concatBytes, EMPTY_BYTES, toHex } from "../../../shared/bytes/mod.ts";
import { decode, type RlpItem } from "../evm/rlp/mod.ts";
import { nibblesOf } from "../evm/trie/node.ts";

/** What is met on a walk. */
export interface TrieVisitor {
  /** Gives a node that the trie refers to. */
  node(path: Bytes, hash: Bytes): Bytes | null;
  /** Told of every value. */
  value(path: Bytes, value: Bytes): void;
}

/** Visits all of a stored trie that is not empty, without the code that is tested by it. */
export function visitTrie(root: Bytes, visitor: TrieVisitor): void {
  const visit = (path: Bytes, item: RlpItem): void => {
    if (!(item instanceof Uint8Array)) return visitNode(path, item);
    if (item.length === 0) return;
    const node = visitor.node(path, item);
    assert(node !== null, `the node ${toHex(item)} at "${toHex(path)}" is missing`);
    visit(path, decode(node));
  };
  const visitNode = (path: Bytes, items: readonly RlpItem[]): void => {
    if (items.length === 17) {
      items.slice(0, 16).forEach((item, way) => visit(concatBytes(path, Uint8Array.of(way)), item));
      const own = items[16];
      if (own instanceof Uint8Array && own.length > 0) visitor.value(path, own);
      return;
    }
    const [prefix, below = EMPTY_BYTES] = items;
    assert(prefix instanceof Uint8Array);
    const flags = prefix[0] ?? 0;
    const end = concatBytes(path, nibblesOf(prefix).subarray((flags & 0x10) === 0 ? 2 : 1));
    if ((flags & 0x20) === 0) return visit(end, below);
    assert(below instanceof Uint8Array);
    visitor.value(end, below);
  };
  visit(EMPTY_BYTES, root);
}
