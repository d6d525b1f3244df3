import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, equalBytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { visitTrie } from "../../testing/visit_trie.ts";
import { referenceRoot } from "../../testing/reference_trie.ts";
import { loadFastKeccak } from "../keccak.ts";
import { encodeBytes, encodeList, encodeUint } from "../rlp/mod.ts";
import { MalformedNodeError, MissingNodeError, NodeMemory, type NodeReader, Trie } from "./mod.ts";

const keccak = await loadFastKeccak();
const EMPTY_ROOT = fromHex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
const EMPTY_CODE = fromHex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");

/** A node store in memory that keeps only what the trie consists of. */
class Nodes {
  readonly byPlace = new Map<string, Bytes>();
  reads = 0;
  get(path: Bytes, hash: Bytes): Bytes | null {
    this.reads++;
    return this.byPlace.get(placeOf(path, hash)) ?? null;
  }
  put(path: Bytes, hash: Bytes, node: Bytes): void {
    assert.equal(toHex(keccak(node)), toHex(hash));
    this.byPlace.set(placeOf(path, hash), node);
  }
  remove(path: Bytes, hash: Bytes): void {
    assert(this.byPlace.delete(placeOf(path, hash)), `${placeOf(path, hash)} was not stored`);
  }
}

const placeOf = (path: Bytes, hash: Bytes) => `${toHex(path)} ${toHex(hash)}`;

/** A sink that keeps nothing. */
const NOWHERE = { put: () => {}, remove: () => {} };

function openTrie(reader: NodeReader, root: Bytes, memory = new NodeMemory(1_000)): Trie {
  return new Trie(root, { reader, keccak, memory, tellsRemoved: true });
}

function newTrie(nodes = new Nodes(), root = EMPTY_ROOT) {
  return { nodes, trie: openTrie(nodes, root) };
}

const bytesOf = (text: string) =>
  text.startsWith("0x") ? fromHex(text) : new TextEncoder().encode(text);

type Pair = readonly [key: Bytes, value: Bytes];

function account(nonce: number, storageRoot: Bytes = EMPTY_ROOT): Bytes {
  return encodeList([
    encodeUint(nonce),
    encodeUint(0),
    encodeBytes(storageRoot),
    encodeBytes(EMPTY_CODE),
    encodeBytes(EMPTY_CODE),
  ]);
}

const slot = (index: number) => fromHex(index.toString(16).padStart(64, "0"));

const PUBLISHED: readonly [string, readonly [string, string][], string][] = [
  [
    "a single item",
    [["A", "a".repeat(50)]],
    "d23786fb4a010da3ce639d66d5e904a11dbc02746d1ce25029e53290cabf28ab",
  ],
  [
    "dogs",
    [["doe", "reindeer"], ["dog", "puppy"], ["dogglesworth", "cat"]],
    "8aad789dff2f538bca5d8ea56e8abe10f4c7ba3a5dea95fea4cd6e7c3a1168d3",
  ],
  [
    "puppy",
    [["do", "verb"], ["horse", "stallion"], ["doge", "coin"], ["dog", "puppy"]],
    "5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84",
  ],
  [
    "foo",
    [["foo", "bar"], ["food", "bass"]],
    "17beaa1648bafa633cda809c90c04af50fc8aed3cb40d16efbddee6fdf63c4c3",
  ],
  [
    "small values",
    [["be", "e"], ["dog", "puppy"], ["bed", "d"]],
    "3f67c7a47520f79faa29255d2d3c084a7a6df0453116ed7232ff10277a8be68b",
  ],
  [
    "testy",
    [["test", "test"], ["te", "testy"]],
    "8452568af70d8d140f58d941338542f645fcca50094b20f3c3d8c3df49337928",
  ],
  [
    "hex",
    [["0x0045", "0x0123456789"], ["0x4500", "0x9876543210"]],
    "285505fcabe84badc8aa310e2aae17eddc7d120aabec8a476902c8184b3a3503",
  ],
  ["emptied values", [
    ["do", "verb"],
    ["ether", "wookiedoo"],
    ["horse", "stallion"],
    ["shaman", "horse"],
    ["doge", "coin"],
    ["ether", ""],
    ["dog", "puppy"],
    ["shaman", ""],
  ], "5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84"],
];

for (const [name, pairs, root] of PUBLISHED) {
  Deno.test(`Trie has the published root of ${name}`, () => {
    const { trie, nodes } = newTrie();
    for (const [key, value] of pairs) trie.put(bytesOf(key), bytesOf(value));
    assert.equal(toHex(trie.commit(nodes)), root);
  });
}

Deno.test("Trie has the recorded roots of accounts and of storage", () => {
  const one = newTrie().trie;
  one.put(new Uint8Array(20), account(0));
  assert.equal(
    toHex(one.commit(NOWHERE)),
    "530acecc6ec873396bb3e90b6578161f9688ed7eeeb93d6fba5684895a93b78a",
  );

  const many = newTrie().trie;
  for (let i = 1; i <= 19; i++) many.put(new Uint8Array(20).fill(i), account(i));
  assert.equal(
    toHex(many.commit(NOWHERE)),
    "f19f3d58ebe004befb1164e28171a6708be44874689c987c49826184e01afe0f",
  );

  const storage = newTrie().trie;
  const value = encodeUint(0x1234);
  const first = "71623f5ec821de33ad5aa81f8c82f0916c6f60de0a536f8c466d440c56715bd5";
  storage.put(slot(0), value);
  assert.equal(toHex(storage.commit(NOWHERE)), first);
  storage.put(slot(1), value);
  assert.equal(
    toHex(storage.commit(NOWHERE)),
    "a3db671bd0653a641fb031dccb869982da390eade9e6f993802ed09c4f6b7b2a",
  );
  storage.delete(slot(1));
  assert.equal(toHex(storage.commit(NOWHERE)), first);
});

Deno.test("Trie.commit() of the empty trie is the empty root and stores nothing", () => {
  const { trie, nodes } = newTrie();
  assert.equal(toHex(trie.commit(nodes)), toHex(EMPTY_ROOT));
  trie.put(bytesOf("a"), bytesOf("b"));
  trie.delete(bytesOf("a"));
  trie.delete(bytesOf("absent"));
  assert.equal(toHex(trie.commit(nodes)), toHex(EMPTY_ROOT));
  assert.equal(nodes.byPlace.size, 0);
  assert.equal(trie.get(bytesOf("a")), null);
});

Deno.test("Trie.commit() stores only what changed, once", () => {
  const { trie, nodes } = newTrie();
  for (let i = 0; i < 200; i++) trie.put(keccak(slot(i)), slot(i));
  const root = trie.commit(nodes);
  let stored = 0;
  const count = { put: () => void stored++, remove: () => {} };
  assert.deepEqual(trie.commit(count), root);
  trie.put(keccak(slot(7)), slot(7));
  trie.delete(keccak(slot(1000)));
  assert.deepEqual(trie.commit(count), root);
  assert.equal(stored, 0);
  trie.put(keccak(slot(7)), slot(8));
  trie.commit(count);
  assert.ok(stored >= 2 && stored <= 5, `${stored} nodes stored`);
});

Deno.test("Trie.get() reads each node from the store once", () => {
  const { trie, nodes } = newTrie();
  for (let i = 0; i < 50; i++) trie.put(keccak(slot(i)), slot(i));
  const reopened = newTrie(nodes, trie.commit(nodes)).trie;
  reopened.get(keccak(slot(3)));
  const { reads } = nodes;
  assert.ok(reads > 0);
  assert.deepEqual(reopened.get(keccak(slot(3))), slot(3));
  assert.equal(nodes.reads, reads);
});

Deno.test("Trie names the hash of a missing node", () => {
  const root = keccak(bytesOf("unknown"));
  const { trie } = newTrie(new Nodes(), root);
  const isMissing = (error: unknown) =>
    error instanceof MissingNodeError && error.message.includes(toHex(root)) &&
    toHex(error.hash) === toHex(root);
  assert.throws(() => trie.get(bytesOf("a")), isMissing);
  assert.throws(() => trie.put(bytesOf("a"), bytesOf("b")), isMissing);
  assert.throws(() => trie.delete(bytesOf("a")), isMissing);
});

Deno.test("Trie is as before after a put or delete that failed on a missing node", () => {
  const pairs = Array.from({ length: 60 }, (_, i): Pair => [keccak(slot(i)), slot(i)]);
  const { trie: source, nodes } = newTrie();
  for (const [key, value] of pairs) source.put(key, value);
  const root = source.commit(nodes);
  const failing = {
    armed: false,
    get: (path: Bytes, hash: Bytes) => failing.armed ? null : nodes.get(path, hash),
  };
  for (const [victim] of pairs) {
    const trie = openTrie(failing, root);
    failing.armed = false;
    trie.get(victim);
    failing.armed = true;
    let failed = false;
    try {
      trie.delete(victim);
    } catch (error) {
      assert.ok(error instanceof MissingNodeError);
      failed = true;
    }
    failing.armed = false;
    if (failed) assert.deepEqual(trie.commit(NOWHERE), root);
    assert.equal(trie.get(victim) === null, !failed);
  }
});

const MALFORMED: readonly [string, string][] = [
  ["no list", "83646f67"],
  ["three items", "c3010203"],
  ["bytes after the node", "c22001ff"],
  ["a path with unknown flags", "c24001"],
  ["an even path with a nibble in its flag byte", "c22101"],
  ["an empty path item", "c28001"],
  ["a path that is a list", "c2c001"],
  ["a leaf without a value", "c22080"],
  ["a leaf whose value is a list", "c220c0"],
  ["an extension without a path", "e200a0" + "11".repeat(32)],
  ["an extension to a short string", "c21101"],
  ["an extension to a leaf", "c411c22001"],
  ["a branch of one way", "d1" + "80".repeat(16) + "01"],
  ["a branch whose child is no hash", "d10102" + "80".repeat(15)],
  ["a child that is too large to be embedded", "f83220b0" + "11".repeat(48)],
];

for (const [name, hex] of MALFORMED) {
  Deno.test(`Trie refuses a node with ${name}`, () => {
    const trie = openTrie({ get: () => fromHex(hex) }, new Uint8Array(32));
    assert.throws(() => trie.get(fromHex("11")), MalformedNodeError);
  });
}

Deno.test("Trie refuses any bytes as a node with one kind of error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    const trie = openTrie({ get: () => bytes }, new Uint8Array(32));
    try {
      trie.put(fromHex("00"), fromHex("01"));
    } catch (error) {
      assert.ok(error instanceof MalformedNodeError, String(error));
    }
  }));
});

/** Few distinct keys of several lengths, so that paths meet; short values, so that nodes embed. */
const KEY = fc.oneof(
  fc.array(fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xff), { minLength: 0, maxLength: 4 })
    .map((bytes) => new Uint8Array(bytes)),
  fc.integer({ min: 0, max: 40 }).map((i) => slot(i)),
  fc.integer({ min: 0, max: 40 }).map((i) => keccak(slot(i)).subarray(0, 20)),
);
const VALUE = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
  fc.uint8Array({ minLength: 1, maxLength: 100 }),
);
const STEP = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("put" as const), key: KEY, value: VALUE }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: KEY }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("commit" as const, "reopen" as const, "sweep" as const),
    }),
  },
);

/** Places of all nodes that a root leads to. */
function reachable(nodes: Nodes, root: Bytes): Set<string> {
  const places = new Set<string>();
  const visitor = {
    node(path: Bytes, hash: Bytes) {
      places.add(placeOf(path, hash));
      return nodes.get(path, hash);
    },
    value: () => {},
  };
  if (!equalBytes(root, EMPTY_ROOT)) visitTrie(root, visitor);
  return places;
}

Deno.test("Trie has the root and content of a map after any puts, deletes, commits and reopenings", () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 60, size: "max" }), (steps) => {
      const nodes = new Nodes();
      const content = new Map<string, Bytes>();
      const memory = new NodeMemory(1_000);
      let trie = openTrie(nodes, EMPTY_ROOT, memory);
      for (const step of steps) {
        if (step.kind === "put") {
          trie.put(step.key, step.value);
          content.set(toHex(step.key), step.value);
        } else if (step.kind === "delete") {
          trie.delete(step.key);
          content.delete(toHex(step.key));
          assert.equal(trie.get(step.key), null);
        } else {
          const root = trie.commit(nodes);
          assert.equal(toHex(root), toHex(referenceRoot(content)));
          assert.deepEqual(reachable(nodes, root), new Set(nodes.byPlace.keys()));
          if (step.kind === "reopen") trie = openTrie(nodes, root, memory);
          if (step.kind === "sweep") memory.begin(trie.sweep());
        }
      }
      assert.equal(toHex(trie.commit(nodes)), toHex(referenceRoot(content)));
      for (const [key, value] of content) {
        assert.deepEqual(new Uint8Array(trie.get(fromHex(key)) ?? []), value);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("Trie has the same root for any order of the same puts", () => {
  const pairs = fc.uniqueArray(fc.tuple(KEY, VALUE), {
    selector: ([key]) => toHex(key),
    maxLength: 30,
    size: "max",
  });
  fc.assert(
    fc.property(pairs, fc.infiniteStream(fc.nat()), (content, ranks) => {
      const roots = [content, content.toSorted(() => (ranks.next().value % 3) - 1)].map((order) => {
        const { trie, nodes } = newTrie();
        for (const [key, value] of order) trie.put(key, value);
        return toHex(trie.commit(nodes));
      });
      assert.equal(roots[0], roots[1]);
    }),
    { numRuns: 200 },
  );
});
