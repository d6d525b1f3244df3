import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, fromHex, toHex, u64be } from "../../../../shared/bytes/mod.ts";
import { MemoryRecords } from "../../testing/memory_records.ts";
import { natives } from "../../testing/run_code.ts";
import { putState, stateStore } from "../chain/state_records.ts";
import { MissingNodeError } from "../trie/mod.ts";
import { type Word, wordOfBytes } from "../word.ts";
import { blobOf, EMPTY_ROOT, encodeAccount } from "./account.ts";
import { CommittedState, MissingBlobError, type StateStore } from "./committed_state.ts";
import { ProgramCache } from "./program.ts";
import { WorldState } from "./world_state.ts";

const { keccak } = natives;

const LIMITS = { entriesMax: 7, nodesMax: 7 };

/** A state over records, with few reads kept so that tests meet what happens at the limit. */
function openCommitted(records: MemoryRecords, root = EMPTY_ROOT): CommittedState {
  const programs = new ProgramCache(7);
  return new CommittedState(root, { store: stateStore(records), keccak, limits: LIMITS, programs });
}

/** An overlay over such a state. */
function openState(records: MemoryRecords, root = EMPTY_ROOT): WorldState {
  return new WorldState(openCommitted(records, root));
}

function commit(state: WorldState, records: MemoryRecords): string {
  const changes = state.commit();
  records.put(putState(changes, 0n));
  return toHex(changes.root);
}

Deno.test("encodeAccount() has the recorded form", () => {
  const state = openState(new MemoryRecords());
  assert.equal(
    toHex(encodeAccount({ ...state.accountOrNew("0"), storage: null, balance: 69 })),
    "f8658045a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0c5d2460186f723" +
      "3c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470a0c5d2460186f7233c927e7db2dcc703c0e500b6" +
      "53ca82273b7bfad8045d85a470",
  );
});

Deno.test("WorldState has the recorded roots", () => {
  const one = openState(new MemoryRecords());
  one.setAccount("0", one.accountOrNew("0"));
  assert.equal(
    toHex(one.commit().root),
    "530acecc6ec873396bb3e90b6578161f9688ed7eeeb93d6fba5684895a93b78a",
  );
  const many = openState(new MemoryRecords());
  for (let i = 1; i <= 19; i++) {
    const key = BigInt(`0x${i.toString(16).padStart(2, "0").repeat(20)}`).toString(16);
    for (let nonce = 0; nonce < i; nonce++) many.incrementNonce(key);
  }
  assert.equal(
    toHex(many.commit().root),
    "f19f3d58ebe004befb1164e28171a6708be44874689c987c49826184e01afe0f",
  );
});

Deno.test("WorldState has the recorded storage roots, also after a slot is cleared", () => {
  const committed = openCommitted(new MemoryRecords());
  const state = new WorldState(committed);
  const storageRoot = () => {
    state.commit();
    return toHex(committed.account("1")?.storage?.root ?? EMPTY_ROOT);
  };
  state.setSlot("1", 0, 0x1234);
  const first = "71623f5ec821de33ad5aa81f8c82f0916c6f60de0a536f8c466d440c56715bd5";
  assert.equal(storageRoot(), first);
  state.setSlot("1", 1, 0x1234);
  assert.equal(storageRoot(), "a3db671bd0653a641fb031dccb869982da390eade9e6f993802ed09c4f6b7b2a");
  state.setSlot("1", 1, 0);
  assert.equal(storageRoot(), first);
});

for (
  const [code, hash] of [
    ["5544ff", "af231e631776a517ca23125370d542873eca1fb4d613ed9b5d5335a46ae5b7eb"],
    ["55", "37bf2238b11b68cdc8382cece82651b59d3c3988873b6e0f33d79694aa45f1be"],
    ["010203", "f1885eda54b7a053318cd41e2093220dab15d65381b1157a3633a83bfd5c9239"],
    ["", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"],
  ] as const
) {
  Deno.test(`blobOf() has the recorded hash of "${code}"`, () => {
    assert.equal(blobOf(fromHex(code), keccak).key, hash);
  });
}

Deno.test("WorldState.program() reads code back from the store and names code that is lost", () => {
  const records = new MemoryRecords();
  const state = openState(records);
  state.setAccount("5", { ...state.accountOrNew("5"), code: blobOf(fromHex("6001"), keccak) });
  const changes = state.commit();
  records.put(putState(changes, 0n));
  assert.equal(toHex(openState(records, changes.root).program("5").code), "6001");
  const lossy = new MemoryRecords();
  lossy.put(putState({ ...changes, blobs: [] }, 0n));
  assert.throws(() => openState(lossy, changes.root).program("5"), MissingBlobError);
});

Deno.test("WorldState.createContract() keeps the balance only", () => {
  const state = openState(new MemoryRecords());
  state.setAccount("1", { ...state.accountOrNew("1"), balance: 10, nonce: 3 });
  state.setSlot("1", 1, 1);
  state.createContract("1");
  assert.deepEqual([state.balance("1"), state.nonce("1"), state.slot("1", 1)], [10, 0, 0]);
  state.transfer("1", "2", 4);
  state.burn("1", 5);
  assert.deepEqual([state.balance("1"), state.balance("2")], [1, 4]);
  state.transfer("1", "3", 0);
  assert.equal(state.account("3"), null);
});

Deno.test("WorldState overlays over one state do not see each other, and end with its commit", () => {
  const committed = openCommitted(new MemoryRecords());
  const first = new WorldState(committed);
  first.setSlot("1", 1, 5);
  first.commit();
  const block = new WorldState(committed);
  const calls = [new WorldState(committed), new WorldState(committed)] as const;
  block.setSlot("1", 1, 6);
  block.incrementNonce("1");
  calls[0].setSlot("1", 1, 7);
  calls[1].createContract("1");
  const seen = [block, ...calls].map((state) => [state.nonce("1"), state.slot("1", 1)]);
  assert.deepEqual(seen, [[1, 6], [0, 7], [0, 0]]);
  assert.equal(committed.account("1")?.storage?.get(1), 5);
  block.commit();
  assert.equal(committed.account("1")?.storage?.get(1), 6);
  assert.deepEqual([first, block, ...calls].map((state) => state.isVoid), [
    true,
    false,
    true,
    true,
  ]);
  assert.throws(() => calls[0].commit(), /another overlay/);
  assert.equal(new WorldState(committed).slot("1", 1), 6);
});

/** A store that counts what is read from it. */
function countingStore(records: MemoryRecords) {
  const counted = { reads: 0 };
  const reader = {
    getSync(key: Bytes) {
      counted.reads++;
      return records.getSync(key);
    },
  };
  return { store: stateStore(reader), counted };
}

Deno.test("CommittedState stays within its limits however much is read and written", () => {
  const records = new MemoryRecords();
  const limits = { entriesMax: 100, nodesMax: 200 };
  const { store, counted } = countingStore(records);
  const state = new CommittedState(EMPTY_ROOT, { store, keccak, limits });
  const slotOf = (index: number) => wordOfBytes(keccak(u64be(BigInt(index))));
  const keyOf = (index: number) => toHex(keccak(u64be(BigInt(index))).subarray(0, 20));
  for (let block = 0; block < 40; block++) {
    const overlay = new WorldState(state);
    for (let i = 50 * block; i < 50 * block + 50; i++) {
      overlay.setSlot(keyOf(i % 7), slotOf(i), i + 1);
      overlay.incrementNonce(keyOf(1_000 + i));
    }
    records.put(putState(overlay.commit(), BigInt(block)));
    state.stored();
    assert(state.inMemory.entries <= limits.entriesMax, "entries");
    assert(state.inMemory.nodes <= limits.nodesMax, "nodes");
  }
  for (let i = 0; i < 2_000; i++) {
    assert.equal(new WorldState(state).slot(keyOf(i % 7), slotOf(i)), i + 1);
    assert.equal(state.account(keyOf(1_000 + i))?.nonce, 1);
    assert(state.inMemory.entries <= limits.entriesMax, "entries");
    // the reads of one account and one slot may go past it before the next ones free nodes
    assert(state.inMemory.nodes <= limits.nodesMax + 20, "nodes");
    // an account that is read all the time is not read from the store
    const before = counted.reads;
    state.account(keyOf(0));
    assert(counted.reads === before || i === 0, "hot");
  }
});

Deno.test("CommittedState opens the storage of an account when a slot is read, not before", () => {
  const records = new MemoryRecords();
  const overlay = new WorldState(openCommitted(records));
  for (let i = 0; i < 50; i++) overlay.setSlot(String(i), 1, 7);
  const changes = overlay.commit();
  records.put(putState(changes, 0n));
  const store = stateStore(records);
  const opened: string[] = [];
  const watched: StateStore = {
    nodes(owner) {
      if (owner !== null) opened.push(toHex(owner));
      return store.nodes(owner);
    },
    blob: store.blob,
  };
  const state = new CommittedState(changes.root, { store: watched, keccak });
  for (let i = 0; i < 50; i++) assert(state.account(String(i))?.storage);
  assert.deepEqual(opened, []);
  for (let i = 0; i < 3; i++) assert.equal(new WorldState(state).slot("33", 1), 7);
  assert.deepEqual(opened, ["33".padStart(40, "0")]);
});

Deno.test("CommittedState needs nothing of a commit from the store before it is told so", () => {
  const records = new MemoryRecords();
  const state = openCommitted(records);
  const overlay = new WorldState(state);
  for (let i = 0; i < 50; i++) overlay.setSlot("1", i, i + 1);
  overlay.setAccount("2", { ...overlay.accountOrNew("2"), code: blobOf(fromHex("6001"), keccak) });
  const changes = overlay.commit();
  const readAll = () => {
    const reader = new WorldState(state);
    for (let i = 0; i < 50; i++) assert.equal(reader.slot("1", i), i + 1);
    assert.equal(toHex(reader.program("2").code), "6001");
  };
  readAll();
  records.put(putState(changes, 0n));
  state.stored();
  readAll();
});

Deno.test("CommittedState names a node that is lost, and goes on when it is back", () => {
  const records = new MemoryRecords();
  const state = openState(records);
  for (let i = 0; i < 50; i++) state.setSlot("1", i, i + 1);
  const root = fromHex(commit(state, records));
  for (const [key, value] of records.entries()) {
    records.delete([fromHex(key)]);
    const damaged = openState(records, root);
    const readAll = () => {
      for (let i = 0; i < 50; i++) assert.equal(damaged.slot("1", i), i + 1);
    };
    assert.throws(readAll, MissingNodeError);
    records.put([[fromHex(key), fromHex(value)]]);
    readAll();
  }
});

/** Accounts as plain data: nonce and slots. */
type Model = Map<string, { nonce: number; slots: Map<Word, Word> }>;

function cloneModel(model: Model): Model {
  const copies = [...model].map(([key, { nonce, slots }]) =>
    [key, { nonce, slots: new Map(slots) }] as const
  );
  return new Map(copies);
}

const KEY = fc.constantFrom("0", "1", "2", "a", "ff");
const SLOT = fc.constantFrom<Word>(0, 1, 2, 3, 1n << 64n, (1n << 64n) + (1n << 200n), 1n << 255n);
const STEP = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant("nonce" as const), KEY) },
  {
    weight: 8,
    arbitrary: fc.tuple(
      fc.constant("slot" as const),
      KEY,
      SLOT,
      fc.constantFrom<Word>(0, 1, 7, 1n << 100n),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("create" as const), KEY) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("kill" as const), KEY) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("mark" as const)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("rollback" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("commit" as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("reopen" as const)) },
);

/** The state and a model of it, changed step by step. */
class Pair {
  readonly records = new MemoryRecords();
  state = openState(this.records);
  model: Model = new Map();
  #marks: [number, Model][] = [];

  apply(step: typeof STEP extends fc.Arbitrary<infer Step> ? Step : never): void {
    const [kind, key = "", slot = 0, value = 0] = step;
    const account = this.model.get(key) ?? { nonce: 0, slots: new Map<Word, Word>() };
    switch (kind) {
      case "nonce":
        this.state.incrementNonce(key);
        this.model.set(key, { ...account, nonce: account.nonce + 1 });
        return;
      case "slot":
        this.state.setSlot(key, slot, value);
        this.model.set(key, account);
        account.slots.set(slot, value);
        return;
      case "create":
        this.state.createContract(key);
        this.model.set(key, { nonce: 0, slots: new Map() });
        return;
      case "kill":
        this.state.setAccount(key, null);
        this.model.delete(key);
        return;
      case "mark":
        this.#marks.push([this.state.mark(), cloneModel(this.model)]);
        return;
      case "rollback": {
        const [mark, model] = this.#marks.pop() ?? [];
        if (mark === undefined || model === undefined) return;
        this.state.rollback(mark);
        this.model = model;
        return;
      }
      case "commit":
      case "reopen": {
        this.#marks = [];
        const root = commit(this.state, this.records);
        assert.equal(root, rootOf(this.model));
        if (kind === "reopen") this.state = openState(this.records, fromHex(root));
      }
    }
  }

  check(): void {
    for (const key of ["0", "1", "2", "a", "ff"]) {
      const account = this.model.get(key);
      assert.equal(this.state.account(key) === null, account === undefined);
      assert.equal(this.state.nonce(key), account?.nonce ?? 0);
      for (const slot of [0, 1, 2, 3, 1n << 64n, (1n << 64n) + (1n << 200n), 1n << 255n]) {
        assert.equal(this.state.slot(key, slot), account?.slots.get(slot) ?? 0);
      }
    }
  }
}

/** The root of a state that was built at once. */
function rootOf(model: Model): string {
  const state = openState(new MemoryRecords());
  for (const [key, { nonce, slots }] of model) {
    state.createContract(key);
    for (let i = 0; i < nonce; i++) state.incrementNonce(key);
    for (const [slot, value] of slots) state.setSlot(key, slot, value);
  }
  return toHex(state.commit().root);
}

Deno.test("WorldState holds what a map holds after any changes, rollbacks, commits and reopenings", () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 60 }), (steps) => {
      const pair = new Pair();
      for (const step of steps) {
        pair.apply(step);
        pair.check();
      }
      pair.apply(["reopen"]);
      pair.check();
    }),
    { numRuns: 300 },
  );
});

Deno.test("states with one cache of programs prepare code once", () => {
  const programs = new ProgramCache();
  const store = stateStore(new MemoryRecords());
  const code = blobOf(fromHex("600160025b"), keccak);
  const states = [1, 2].map(() => new CommittedState(EMPTY_ROOT, { store, keccak, programs }));
  const [first, second] = states.map((state) => state.program(code));
  assert.equal(first, second);
  assert.notEqual(new CommittedState(EMPTY_ROOT, { store, keccak }).program(code), first);
});
