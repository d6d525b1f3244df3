import assert from "node:assert/strict";
import fc from "fast-check";
import { Block, type RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, toHex, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { MODULE } from "../node_manager/mod.ts";
import { LockId } from "../system_config/mod.ts";
import { address, normalTx, transaction, utxoTx } from "../testing/builders.ts";
import { MemoryJournal } from "../testing/memory_journal.ts";
import { produceBlock, type TestNode, testNode, testPair } from "../testing/test_node.ts";

const HASH = await loadSm3();
const { Success, DupTransaction, StoreError } = StatusCode;

function raw(nonce: string, changes: Parameters<typeof transaction>[1] = {}): RawTransaction {
  return normalTx(HASH, transaction(nonce, changes));
}

/** With that many bytes few transactions are much for a journal. */
const LARGE = { data: new Uint8Array(1024 * 1024) };

function keyOf(raw: RawTransaction): string {
  return toHex(rawTransactionHash(raw) ?? new Uint8Array());
}

function recordOf(raw: RawTransaction): Bytes {
  return encode(RawTransactions, { body: [raw] });
}

interface PersistentNode {
  readonly node: TestNode;
  readonly journal: MemoryJournal;
}

function persistent(node: TestNode): PersistentNode {
  const journal = new MemoryJournal();
  node.journal = journal;
  return { node, journal };
}

/** A running node that keeps its pool. */
async function started(changes: Parameters<typeof testNode>[1] = {}): Promise<PersistentNode> {
  const made = persistent(await testNode(1, changes));
  await run(made.node);
  return made;
}

/** Starts a node and lets it restore its pool. */
async function run(node: TestNode): Promise<void> {
  await node.run();
  await node.clock.settle();
}

/** `kill -9`, and a new start. */
async function restart(node: TestNode): Promise<void> {
  node.stop();
  await run(node);
}

function pooled({ controller: { node: { pool } } }: TestNode): string[] {
  return Array.from(pool.values(), ({ key }) => key);
}

async function codeOf(node: TestNode, raw: RawTransaction): Promise<StatusCode> {
  return (await node.controller.send(raw)).code;
}

/** Holds back the writes of a journal until it is told to go on. */
function hold(journal: MemoryJournal): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  journal.pause = () => promise;
  return () => {
    journal.pause = () => Promise.resolve();
    resolve();
  };
}

Deno.test("what was accepted before a crash is in the pool in its order, and gets into a block", async () => {
  const { node } = await started();
  assert.equal(await codeOf(node, raw("3")), Success);
  await node.controller.sendBatch([raw("1"), raw("4")]);
  const forwarded = encode(RawTransactions, { body: [raw("2")] });
  const message = { module: MODULE, type: "send_txs", origin: 7n, msg: forwarded };
  assert.equal(await node.controller.processNetworkMsg(message), Success);
  assert.equal(
    await codeOf(node, utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) })),
    Success,
  );
  const before = pooled(node);
  await restart(node);
  assert.deepEqual(pooled(node), before);
  assert.equal(before.length, 5);
  await node.produce(1);
  assert.equal(node.controller.node.pool.count, 0);
  assert(node.storage.read(Regions.TRANSACTIONS, rawTransactionHash(raw("2")) ?? new Uint8Array()));
  await restart(node);
  assert.equal(node.controller.node.pool.count, 0);
});

Deno.test("nothing is answered, pooled or proposed before it is on disk", async () => {
  const { node, journal } = await started();
  const release = hold(journal);
  let answers = 0;
  const first = node.controller.send(raw("1"));
  await node.clock.settle();
  const second = node.controller.send(raw("1"));
  const batch = node.controller.sendBatch([raw("1"), raw("2")]);
  for (const outcome of [first, second, batch]) outcome.then(() => answers++);
  await node.clock.settle();
  assert.equal(answers, 0);
  assert.deepEqual(pooled(node), []);
  release();
  assert.equal((await first).code, Success);
  assert.equal((await second).code, DupTransaction);
  assert.deepEqual((await batch).hashes.map(toHex), [keyOf(raw("2"))]);
});

Deno.test("a crash during the write loses only what nobody was promised", async () => {
  const { node, journal } = await started();
  await codeOf(node, raw("1"));
  hold(journal);
  void node.controller.send(raw("2"));
  await node.clock.settle();
  journal.pause = () => Promise.resolve();
  await restart(node);
  assert.deepEqual(pooled(node), [keyOf(raw("1"))]);
});

Deno.test("many that come together are written together", async () => {
  const { node, journal } = await started();
  const release = hold(journal);
  const first = codeOf(node, raw("0"));
  await node.clock.settle();
  const others = Array.from({ length: 50 }, (_, i) => codeOf(node, raw(`${i + 1}`)));
  await node.clock.settle();
  release();
  await Promise.all([first, ...others]);
  assert.deepEqual(journal.appendedCounts, [1, 50]);
});

Deno.test("large ones are not all written at once", async () => {
  const { node, journal } = await started();
  const release = hold(journal);
  const data = new Uint8Array(100_000);
  const sent = ["1", "2", "3", "4", "5", "6"].map((nonce) => codeOf(node, raw(nonce, { data })));
  await node.clock.settle();
  release();
  assert.deepEqual(await Promise.all(sent), sent.map(() => Success));
  assert(Math.max(...journal.appendedCounts) === 2, `${journal.appendedCounts}`);
});

Deno.test("a full disk refuses transactions, and takes them when there is room", async () => {
  const { node, journal } = await started();
  await codeOf(node, raw("1"));
  journal.isFull = true;
  assert.equal(await codeOf(node, raw("2")), StoreError);
  assert.equal((await node.controller.sendBatch([raw("1"), raw("3")])).code, StoreError);
  const msg = encode(RawTransactions, { body: [raw("4")] });
  const message = { module: MODULE, type: "send_txs", origin: 7n, msg };
  assert.equal(await node.controller.processNetworkMsg(message), StoreError);
  assert.deepEqual(pooled(node), [keyOf(raw("1"))]);
  assert.equal(await codeOf(node, raw("1")), DupTransaction, "that one is safe");
  journal.isFull = false;
  assert.equal(await codeOf(node, raw("2")), Success);
  await restart(node);
  assert.deepEqual(pooled(node), [keyOf(raw("1")), keyOf(raw("2"))]);
});

Deno.test("room in the pool is given back when the journal cannot be written", async () => {
  const { node, journal } = await started({ poolCountMax: 8 });
  journal.isFull = true;
  for (let i = 0; i < 20; i++) assert.equal(await codeOf(node, raw(`${i}`)), StoreError);
  journal.isFull = false;
  assert.equal(await codeOf(node, raw("20")), Success);
});

Deno.test("what a block holds or has expired meanwhile is not brought back", async () => {
  const { node, journal } = await started();
  await node.controller.sendBatch([raw("1"), raw("2", { validUntilBlock: 2n }), raw("3")]);
  const kept = [...journal.records];
  await node.produce(1);
  const late = raw("4");
  assert.equal(await codeOf(node, late), Success);
  node.stop();
  // the journal was not tidied since
  assert.deepEqual(journal.records.slice(0, 3), kept);
  await run(node);
  assert.deepEqual(pooled(node), [keyOf(late)]);
  assert.deepEqual(journal.records, [recordOf(late)], "and goes from the journal");
});

Deno.test("records that are no transaction, forged or of another chain are left out", async () => {
  const { node, journal } = await started();
  const good = raw("1");
  const { tx } = raw("2");
  assert(tx?.$case === "normalTx");
  const witness = { signature: new Uint8Array(128), sender: address(1) };
  const forged: RawTransaction = { tx: { $case: "normalTx", value: { ...tx.value, witness } } };
  const foreign = raw("3", { chainId: new Uint8Array(32) });
  await journal.append([
    new Uint8Array([0xff]),
    recordOf(forged),
    recordOf(foreign),
    recordOf({ tx: undefined }),
    recordOf(good),
    recordOf(good),
  ]);
  await restart(node);
  assert.deepEqual(pooled(node), [keyOf(good)]);
});

Deno.test("a kms that is away delays what is brought back and loses nothing", async () => {
  const { node, journal } = await started();
  await node.controller.sendBatch([raw("1"), raw("2")]);
  node.stop();
  await node.start();
  node.kms.isAway = true;
  node.controller.run();
  await node.clock.advance(60_000);
  assert.deepEqual(pooled(node), []);
  assert.equal(journal.records.length, 2);
  node.kms.isAway = false;
  await node.clock.advance(10_000);
  assert.deepEqual(pooled(node), [keyOf(raw("1")), keyOf(raw("2"))]);
});

Deno.test("a node serves while it brings transactions back, whoever sends them again", async () => {
  const { node, journal } = await started();
  await node.controller.sendBatch([raw("1"), raw("2")]);
  node.stop();
  await node.start();
  assert.equal(await codeOf(node, raw("2")), Success);
  assert.equal(await codeOf(node, raw("3")), Success);
  node.controller.run();
  await node.clock.settle();
  assert.deepEqual(pooled(node).toSorted(), ["1", "2", "3"].map((n) => keyOf(raw(n))).toSorted());
  assert.equal(journal.records.length, 3);
});

Deno.test("what was promised comes back also when the limits of the pool are lower now", async () => {
  const { node } = await started();
  await node.controller.sendBatch([raw("1"), raw("2"), raw("3")]);
  node.settings = { ...node.settings, poolCountMax: 2 };
  await restart(node);
  assert.equal(node.controller.node.pool.count, 3);
  assert.equal(await codeOf(node, raw("4")), StatusCode.PoolFull);
});

Deno.test("a transaction that only a proposal brought is on disk before it is in the pool", async () => {
  const { a: proposer, b } = await testPair();
  const { node: checker, journal } = persistent(b);
  await proposer.start();
  await checker.start();
  await proposer.controller.send(raw("1"));
  const release = hold(journal);
  const { proposal } = await proposer.controller.getProposal();
  assert(proposal !== undefined);
  assert.equal(await checker.controller.checkProposal(proposal), Success, "nobody waits for it");
  assert.deepEqual(pooled(checker), []);
  release();
  await checker.clock.settle();
  assert.deepEqual(pooled(checker), [keyOf(raw("1"))]);
});

Deno.test("a proposed transaction whose block was committed before its write stays out", async () => {
  const { a: proposer, b } = await testPair();
  const { node: checker, journal } = persistent(b);
  await proposer.start();
  await checker.start();
  await proposer.controller.send(raw("1"));
  const release = hold(journal);
  await produceBlock([proposer, checker]);
  release();
  await checker.clock.settle();
  assert.deepEqual(pooled(checker), []);
});

Deno.test("a batch is refused when a block came in between that holds one of it", async () => {
  const { a: proposer, b } = await testPair();
  const { node, journal } = persistent(b);
  await proposer.start();
  await node.start();
  await proposer.controller.send(raw("1"));
  const release = hold(journal);
  const batch = node.controller.sendBatch([raw("1"), raw("2")]);
  await produceBlock([proposer, node]);
  release();
  assert.deepEqual(await batch, { code: StatusCode.HistoryDupTx, hashes: [] });
  assert.deepEqual(pooled(node), []);
});

Deno.test("a node that does not validate tells its peers of what it brought back", async () => {
  const { a: node, b: validator, clock } = await testPair();
  persistent(node);
  await node.run();
  assert.equal(await codeOf(node, raw("1")), Success, "nobody hears of it");
  node.stop();
  await validator.run();
  await run(node);
  await clock.advance(1_000);
  assert.deepEqual(pooled(validator), []);
  for (let block = 0; block < 10; block++) {
    await validator.produce(1);
    await clock.advance(3_000);
  }
  await clock.advance(3_000);
  assert.deepEqual(pooled(validator), [keyOf(raw("1"))]);
});

Deno.test("the journal shrinks when most of it has left the pool, and keeps the rest", async () => {
  const { node, journal } = await started();
  for (let i = 0; i < 9; i++) await codeOf(node, raw(`${i}`, LARGE));
  const isTidied = () => node.clock.advance(10_000);
  await isTidied();
  assert.equal(journal.records.length, 9, "all of it waits");
  await node.produce(1);
  await codeOf(node, raw("10"));
  const release = hold(journal);
  await isTidied();
  journal.pause = () => Promise.resolve();
  assert.equal(await codeOf(node, raw("11")), Success, "nobody waits for the journal to shrink");
  release();
  await node.clock.settle();
  assert.deepEqual(journal.records, [raw("10"), raw("11")].map(recordOf));
});

Deno.test("what is being written when the journal shrinks is not lost", async () => {
  const { node, journal } = await started();
  for (let i = 0; i < 9; i++) await codeOf(node, raw(`${i}`, LARGE));
  await node.produce(1);
  const release = hold(journal);
  const late = codeOf(node, raw("10"));
  await node.clock.advance(10_000);
  release();
  assert.equal(await late, Success);
  await node.clock.settle();
  assert.deepEqual(journal.records, [recordOf(raw("10"))]);
});

Deno.test("a journal that cannot shrink stays as it is, and shrinks later", async () => {
  const { node, journal } = await started();
  for (let i = 0; i < 9; i++) await codeOf(node, raw(`${i}`, LARGE));
  await node.produce(1);
  journal.isFull = true;
  await node.clock.advance(10_000);
  assert.equal(journal.records.length, 9);
  journal.isFull = false;
  await node.clock.advance(10_000);
  assert.equal(journal.records.length, 0);
});

Deno.test("thousands of transactions come back in their order, checked in batches", async () => {
  const { node } = await started();
  const raws = Array.from({ length: 3_000 }, (_, i) => raw(`${i}`));
  await node.controller.sendBatch(raws);
  node.kms.checkedCounts.length = 0;
  await restart(node);
  assert.deepEqual(pooled(node), raws.map(keyOf));
  const { checkedCounts } = node.kms;
  assert(checkedCounts.length < 20, `${checkedCounts.length} calls`);
  assert(Math.max(...checkedCounts) <= 512);
});

/** What may happen to a node, in any order. */
const EVENTS = ["send", "batch", "write", "produce", "crash", "full", "free"] as const;

/** A node whose writes take until they are told to end, and what it promised. */
class Promises {
  readonly #writes: (() => void)[] = [];
  readonly #promised = new Set<string>();
  #sentCount = 0;

  constructor(readonly node: TestNode, readonly journal: MemoryJournal) {
    journal.pause = () => new Promise((resolve) => this.#writes.push(resolve));
  }

  async perform(event: typeof EVENTS[number]): Promise<void> {
    const { node, journal } = this;
    switch (event) {
      case "send":
        this.#send(raw(`${this.#sentCount++}`));
        break;
      case "batch":
        // the first one may still be on its way
        this.#sendBatch([this.#sentCount - 1, this.#sentCount++, this.#sentCount++]);
        break;
      case "write":
        this.#writes.shift()?.();
        break;
      case "produce":
        await node.produce(1);
        break;
      case "crash":
        await restart(node);
        break;
      default:
        journal.isFull = event === "full";
    }
    await node.clock.settle();
  }

  async #send(raw: RawTransaction): Promise<void> {
    if (await codeOf(this.node, raw) === Success) this.#promised.add(keyOf(raw));
  }

  async #sendBatch(nonces: readonly number[]): Promise<void> {
    const raws = nonces.map((nonce) => raw(`${nonce}`));
    const { code } = await this.node.controller.sendBatch(raws);
    if (code === Success) { for (const raw of raws) this.#promised.add(keyOf(raw)); }
  }

  /** After one more crash all that was promised gets into the chain, and nothing twice. */
  async check(): Promise<void> {
    const { node, journal } = this;
    journal.pause = () => Promise.resolve();
    await restart(node);
    await node.produce(1);
    assert.deepEqual(pooled(node), []);
    const contained = transactionsOf(node);
    assert.equal(new Set(contained).size, contained.length, "nothing is executed twice");
    for (const key of this.#promised) assert(contained.includes(key), `${key} was promised`);
  }
}

function transactionsOf({ storage, height }: TestNode): string[] {
  const keys: string[] = [];
  for (let at = 1n; at <= height; at++) {
    const { value } = storage.read(Regions.FULL_BLOCK, u64be(at));
    keys.push(...(decode(Block, value).body?.body ?? []).map(keyOf));
  }
  return keys;
}

Deno.test("whatever happens in whatever order, nothing that was promised is lost or done twice", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 }),
      async (events) => {
        const { node, journal } = await started();
        const promises = new Promises(node, journal);
        for (const event of events) await promises.perform(event);
        await promises.check();
      },
    ),
  ));
