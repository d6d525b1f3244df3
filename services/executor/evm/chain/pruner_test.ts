import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Bytes,
  concatBytes,
  fromHex,
  toHex,
  uintToBytes,
} from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { MemoryRecords } from "../../testing/memory_records.ts";
import { readStoredState, storedNodeKeys } from "../../testing/stored_state.ts";
import { TestChain, type TestTransaction } from "../../testing/test_chain.ts";
import { finish } from "../work.ts";
import { callContract } from "./call.ts";
import { Pruner } from "./pruner.ts";
import { type RecordBatch, requireHeader } from "./records.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];
const { keccak } = parts.natives;

const STATES_KEPT = 3;

/** Destructs itself without input, else sets the slot of the first word to the second one. */
const CHILD = "366007576000ff5b602035600035" + "5500";
/** Sets two slots and deploys {@linkcode CHILD}. */
const INIT =
  `6001600155600260025560${byte(CHILD.length / 2)}601660003960${byte(CHILD.length / 2)}` +
  `6000f3${CHILD}`;
/** Creates a child with the first word as its salt. */
const FACTORY = `60${byte(INIT.length / 2)}601260003960003560${byte(INIT.length / 2)}` +
  `60006000f500${INIT}`;

function byte(value: number): string {
  return value.toString(16).padStart(2, "0");
}

const word = (value: number) => toHex(uintToBytes(BigInt(value), 32));

/** Address of the child of a factory with a salt. */
function childAddress(factory: Bytes, salt: number): string {
  const preimage = [Uint8Array.of(0xff), factory, fromHex(word(salt)), keccak(fromHex(INIT))];
  return toHex(keccak(concatBytes(...preimage)).subarray(12));
}

/** A chain whose old states are removed, and one with the same blocks that keeps all. */
class Pair {
  readonly pruned: TestChain;
  readonly archive = new TestChain(parts, sm3);
  readonly factory: Bytes;
  pruner: Pruner;
  hasAbandoned = false;
  #oldest = 0n;

  constructor(records = new MemoryRecords()) {
    this.pruned = new TestChain({ ...parts, statesKept: STATES_KEPT }, sm3, records);
    this.pruner = this.#newPruner();
    this.grow();
    const code = `60${byte(FACTORY.length / 2)}600c60003960${
      byte(FACTORY.length / 2)
    }6000f3${FACTORY}`;
    const [receipt] = this.grow({ data: code });
    assert.equal(receipt?.errorMessage, "");
    this.factory = receipt?.contractAddress ?? new Uint8Array();
  }

  get height(): bigint {
    return this.pruned.chain.header.height;
  }

  grow(...transactions: TestTransaction[]) {
    const expected = this.archive.grow(...transactions);
    const block = this.pruned.build(transactions);
    const executed = this.pruned.execute(block);
    assert(executed.kind === "executed");
    assert.equal(toHex(executed.header.stateRoot), expected.root);
    this.pruner.written(executed.header.height, executed.puts);
    return expected.receipts;
  }

  restart(): void {
    this.pruned.restart();
    this.pruner = this.#newPruner();
  }

  rollBack(by: number): void {
    const height = this.height - BigInt(by);
    if (height < 1n || height < this.#oldest) return;
    for (const chain of [this.pruned, this.archive]) chain.rollBack(height);
    this.pruner = this.#newPruner();
    this.hasAbandoned = true;
  }

  async prune(stepsMax = Infinity): Promise<void> {
    const oldest = this.height - BigInt(STATES_KEPT);
    if (oldest > this.#oldest) this.#oldest = oldest;
    for (let step = 0; step < stepsMax && await this.pruner.step(this.height); step++);
  }

  /** Every state of the window is complete, and nothing else is stored. */
  check(): void {
    const needed = new Set<string>();
    for (let height = this.#oldest; height <= this.height; height++) {
      const { stateRoot } = requireHeader(this.pruned.records, height);
      const { content, nodeKeys } = readStoredState(this.pruned.records, stateRoot);
      assert.deepEqual(content, readStoredState(this.archive.records, stateRoot).content);
      for (const key of nodeKeys) needed.add(key);
    }
    if (!this.hasAbandoned) assert.deepEqual(storedNodeKeys(this.pruned.records), needed);
  }

  #newPruner(): Pruner {
    return new Pruner({ store: this.pruned.records, statesKept: STATES_KEPT });
  }
}

const SALT = fc.integer({ min: 1, max: 3 });
const TRANSACTION = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("create" as const), salt: SALT }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("destruct" as const), salt: SALT }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      salt: SALT,
      slot: fc.constantFrom(1, 2, 3, 0x11, 0x1001, 0x2001),
      value: fc.constantFrom(0, 1, 2, 0xffffffff),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      salt: fc.integer({ min: 1, max: 9 }),
    }),
  },
);
const STEP = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("block" as const),
      transactions: fc.array(TRANSACTION, { maxLength: 5 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("prune" as const),
      steps: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);
const ROLLBACK = fc.record({
  kind: fc.constant("roll back" as const),
  by: fc.integer({ min: 1, max: 4 }),
});

type Step = typeof STEP extends fc.Arbitrary<infer Value> ? Value : never;
type Rollback = typeof ROLLBACK extends fc.Arbitrary<infer Value> ? Value : never;
type Transaction = typeof TRANSACTION extends fc.Arbitrary<infer Value> ? Value : never;

function transactionOf(transaction: Transaction, factory: Bytes): TestTransaction {
  const child = childAddress(factory, transaction.salt);
  switch (transaction.kind) {
    case "create":
      return { to: toHex(factory), data: word(transaction.salt) };
    case "destruct":
      return { to: child };
    case "set":
      return { to: child, data: word(transaction.slot) + word(transaction.value) };
    case "send":
      return { to: "42".repeat(20), sender: byte(transaction.salt).repeat(20) };
  }
}

async function apply(pair: Pair, step: Step | Rollback): Promise<void> {
  switch (step.kind) {
    case "block":
      pair.grow(...step.transactions.map((tx) => transactionOf(tx, pair.factory)));
      return;
    case "prune":
      return await pair.prune(step.steps);
    case "restart":
      return pair.restart();
    case "roll back":
      return pair.rollBack(step.by);
  }
}

Deno.test("Pruner leaves exactly the nodes of the states that are kept, after any blocks", () =>
  fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 30, size: "max" }), async (steps) => {
      const pair = new Pair();
      for (const step of steps) await apply(pair, step);
      await pair.prune();
      pair.check();
    }),
    { numRuns: 60 },
  ));

Deno.test("Pruner never removes what a chain needs that was rolled back", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 6, arbitrary: STEP }, { weight: 1, arbitrary: ROLLBACK }), {
        maxLength: 40,
        size: "max",
      }),
      async (steps) => {
        const pair = new Pair();
        for (const step of steps) await apply(pair, step);
        await pair.prune();
        pair.check();
      },
    ),
    { numRuns: 60 },
  ));

/** Records that remember what a crash after each of their writes would leave. */
class CrashingRecords extends MemoryRecords {
  readonly left: MemoryRecords[] = [];

  override write(batch: RecordBatch): Promise<void> {
    const written = super.write(batch);
    this.left.push(this.copy());
    return written;
  }
}

/** Contracts that come, go and come again, then as many blocks as states are kept. */
const BLOCKS: readonly (readonly Transaction[])[] = [
  [{ kind: "create", salt: 1 }, { kind: "create", salt: 2 }],
  [{ kind: "set", salt: 1, slot: 3, value: 1 }, { kind: "destruct", salt: 2 }],
  [{ kind: "set", salt: 1, slot: 3, value: 0 }, { kind: "create", salt: 2 }],
  [{ kind: "destruct", salt: 1 }, { kind: "create", salt: 1 }],
  ...Array.from({ length: STATES_KEPT + 1 }, () => [{ kind: "send" as const, salt: 1 }]),
];

Deno.test("Pruner goes on after a crash at any of its writes", async () => {
  const records = new CrashingRecords();
  const pair = new Pair(records);
  for (const block of BLOCKS) pair.grow(...block.map((tx) => transactionOf(tx, pair.factory)));
  await pair.prune();
  pair.check();
  const expected = pair.pruned.records.entries();
  assert(records.left.length > 10);
  for (const left of records.left) {
    const store = left;
    const pruner = new Pruner({ store, statesKept: STATES_KEPT });
    while (await pruner.step(pair.height));
    assert.deepEqual(store.entries(), expected);
  }
});

Deno.test("Pruner begins anew after a write that failed", async () => {
  const pair = new Pair();
  for (const block of BLOCKS) pair.grow(...block.map((tx) => transactionOf(tx, pair.factory)));
  for (let step = 0; step < 10; step++) {
    pair.pruned.records.isFull = true;
    await assert.rejects(pair.pruner.step(pair.height), /no space left/);
    pair.pruned.records.isFull = false;
    await pair.prune(1);
  }
  await pair.prune();
  pair.check();
});

Deno.test("a state that was removed is answered as one that is missing, and opens no chain", async () => {
  const pair = new Pair();
  for (const block of BLOCKS) pair.grow(...block.map((tx) => transactionOf(tx, pair.factory)));
  const request = (height: bigint) => ({
    to: fromHex(childAddress(pair.factory, 1)),
    from: new Uint8Array(0),
    method: new Uint8Array(64),
    args: [],
    height,
  });
  const { chain } = pair.pruned;
  const oldest = pair.height - BigInt(STATES_KEPT);
  for (let height = 1n; height <= pair.height; height++) {
    assert.equal(finish(callContract(chain, request(height))).kind, "value");
  }
  await pair.prune();
  for (let height = 1n; height <= pair.height + 1n; height++) {
    const answer = finish(callContract(chain, request(height)));
    if (height >= oldest && height <= pair.height) assert.equal(answer.kind, "value");
    else assert.match(answer.kind === "error" ? answer.message : "", /Couldn't find the transact/);
  }
  assert.throws(() => pair.pruned.rollBack(oldest - 1n), /oldest one left is/);
  pair.pruned.rollBack(oldest);
});

Deno.test("a chain goes on when its mode changes: what it replaced in archive mode stays", async () => {
  const pair = new Pair();
  const grow = (chain: TestChain) => {
    for (const block of BLOCKS) chain.grow(...block.map((tx) => transactionOf(tx, pair.factory)));
  };
  grow(pair.pruned);
  const archive = new TestChain(parts, sm3, pair.pruned.records);
  archive.rollBack(pair.height);
  const begin = archive.chain.header.height;
  grow(archive);
  pair.pruned.rollBack(archive.chain.header.height);
  grow(pair.pruned);
  await pair.prune();
  const { records } = pair.pruned;
  const rootAt = (height: bigint) => requireHeader(records, height).stateRoot;
  for (let height = pair.height - BigInt(STATES_KEPT); height <= pair.height; height++) {
    readStoredState(records, rootAt(height));
  }
  assert.throws(() => readStoredState(records, rootAt(begin - 2n)), /is missing/);
});

Deno.test("removals of blocks that were abandoned are void, also when none are recorded any more", async () => {
  const pair = new Pair();
  const block = (...transactions: Transaction[]) =>
    pair.grow(...transactions.map((tx) => transactionOf(tx, pair.factory)));
  block({ kind: "create", salt: 1 });
  const kept = pair.height;
  block({ kind: "destruct", salt: 1 });
  pair.pruned.rollBack(kept);
  const archive = new TestChain(parts, sm3, pair.pruned.records);
  archive.rollBack(kept);
  for (let i = 0; i < STATES_KEPT + 2; i++) archive.grow();
  const { header } = archive.chain;
  const pruner = new Pruner({ store: archive.records, statesKept: STATES_KEPT });
  while (await pruner.step(header.height));
  const { content } = readStoredState(archive.records, header.stateRoot);
  assert(content.has(childAddress(pair.factory, 1)));
});

Deno.test("Pruner removes the slots of a contract at the last address, and nothing behind them", async () => {
  const test = new TestChain({ ...parts, amends: true, statesKept: STATES_KEPT }, sm3);
  const pruner = new Pruner({ store: test.records, statesKept: STATES_KEPT });
  const grow = (...transactions: TestTransaction[]) => {
    const executed = test.execute(test.build(transactions));
    assert(executed.kind === "executed");
    pruner.written(executed.header.height, executed.puts);
  };
  const [amend, last] = ["ffffffffffffffffffffffffffffffffff010002", "ff".repeat(20)];
  const slots = () => test.records.entries().filter(([key]) => key.startsWith(`06${last}`));
  grow();
  const slot = { to: amend, value: 3n, data: last + word(1) + word(1) };
  grow(slot, { to: amend, value: 2n, data: `${last}6000ff` });
  assert.equal(slots().length, 1);
  grow({ to: last });
  for (let i = 0; i < STATES_KEPT; i++) grow();
  while (await pruner.step(test.chain.header.height));
  assert.equal(slots().length, 0);
  test.restart();
});
