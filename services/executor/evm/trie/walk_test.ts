import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { loadFastKeccak } from "../keccak.ts";
import { MissingNodeError, NodeMemory, Trie, walkTrie } from "./mod.ts";

const keccak = await loadFastKeccak();
const EMPTY_ROOT = fromHex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/** A stored trie with that content. */
function storedTrie(content: ReadonlyMap<string, Bytes>) {
  const nodes = new Map<string, Bytes>();
  const reader = { get: (_path: Bytes, hash: Bytes) => nodes.get(toHex(hash)) ?? null };
  const trie = new Trie(EMPTY_ROOT, {
    reader,
    keccak,
    memory: new NodeMemory(1_000),
    tellsRemoved: false,
  });
  const sink = {
    put: (_path: Bytes, hash: Bytes, node: Bytes) => void nodes.set(toHex(hash), node),
    remove: () => {},
  };
  for (const [key, value] of content) trie.put(fromHex(key), value);
  return { nodes, reader, root: trie.commit(sink) };
}

// few different bytes: paths part late, and keys are the beginning of others
const KEY = fc.array(fc.constantFrom(0x00, 0x01, 0x10, 0x11), { minLength: 1, maxLength: 4 })
  .map((bytes) => toHex(Uint8Array.from(bytes)));
const VALUE = fc.uint8Array({ minLength: 1, maxLength: 40 });

Deno.test("walkTrie() gives the content of any trie in the order of the keys", () => {
  fc.assert(
    fc.property(fc.dictionary(KEY, VALUE, { minKeys: 1, maxKeys: 40 }), (pairs) => {
      const content = new Map(Object.entries(pairs));
      const { reader, root } = storedTrie(content);
      const found = [...walkTrie(reader, root)].map(([key, value]) => [toHex(key), toHex(value)]);
      const expected = [...content].map(([key, value]) => [key, toHex(value)]);
      assert.deepEqual(found, expected.sort());
    }),
    { numRuns: 200 },
  );
});

Deno.test("walkTrie() throws at a node that is missing, after what comes before it", () => {
  const content = new Map(
    Array.from({ length: 40 }, (_, i) => [toHex(Uint8Array.of(i)), new Uint8Array(32).fill(i)]),
  );
  const { nodes, reader, root } = storedTrie(content);
  const [, last] = [...nodes.keys()];
  assert(last !== undefined);
  nodes.delete(last);
  const walk = walkTrie(reader, root);
  let count = 0;
  assert.throws(() => {
    for (const _pair of walk) count++;
  }, MissingNodeError);
  assert(count < content.size);
});
