import { type Bytes, concatBytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { hashOf, type LoadedNode, type TrieNode } from "./node.ts";
import { decodeNode } from "./node_codec.ts";
import type { NodeReader } from "./parts.ts";
import { MissingNodeError } from "./trie.ts";

/**
 * What a trie holds, in the order of the keys; only the nodes of one path are in memory.
 *
 * @param root root of a trie that is not empty
 */
export function* walkTrie(
  reader: NodeReader,
  root: Bytes,
): Generator<readonly [key: Bytes, value: Bytes]> {
  yield* walkNode(reader, readNode(reader, EMPTY_BYTES, root), EMPTY_BYTES);
}

function* walkNode(
  reader: NodeReader,
  target: TrieNode,
  path: Bytes,
): Generator<readonly [key: Bytes, value: Bytes]> {
  const node = target.kind === "hash" ? readNode(reader, path, hashOf(target)) : target;
  if (node.kind === "leaf") {
    yield [keyOf(concatBytes(path, node.nibbles.subarray(node.start))), node.value];
  } else if (node.kind === "extension") {
    const { nibbles, start, end, child } = node;
    yield* walkNode(reader, child, concatBytes(path, nibbles.subarray(start, end)));
  } else {
    if (node.value !== null) yield [keyOf(path), node.value];
    for (let nibble = 0; nibble < 16; nibble++) {
      const child = node.child(nibble);
      if (child !== null) yield* walkNode(reader, child, concatBytes(path, Uint8Array.of(nibble)));
    }
  }
}

function readNode(reader: NodeReader, path: Bytes, hash: Bytes): LoadedNode {
  const bytes = reader.get(path, hash);
  if (bytes === null) throw new MissingNodeError(hash);
  return decodeNode(bytes);
}

/** The key of a path of an even number of nibbles. */
function keyOf(nibbles: Bytes): Bytes {
  const key = new Uint8Array(nibbles.length / 2);
  for (let i = 0; i < key.length; i++) {
    key[i] = (nibbles[2 * i] as number) << 4 | (nibbles[2 * i + 1] as number);
  }
  return key;
}
