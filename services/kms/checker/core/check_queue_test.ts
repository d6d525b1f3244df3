import assert from "node:assert/strict";
import fc from "fast-check";
import { type RawTransaction, RawTransactions } from "../../../../proto/gen/blockchain.ts";
import { type Bytes, concatBytes, fromHex } from "../../../../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../../../../shared/clock/mod.ts";
import { encode, tryDecode, useStrictUtf8 } from "../../../../shared/codec/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { checkTransactions, type TransactionRefusal } from "../../check_transactions.ts";
import { CHEAP_SUITE, cheapSignature } from "../testing/cheap_suite.ts";
import { type Flaw, FLAWS, makeTransaction, transactionBatches } from "../testing/transactions.ts";
import { Batch } from "./batch.ts";
import { checkChunk } from "./check_chunk.ts";
import { CheckQueue, type Task } from "./check_queue.ts";
import type { Chunk } from "./chunk.ts";
import { KnownTransactions } from "./known_transactions.ts";

useStrictUtf8();

const { hash } = CHEAP_SUITE;
const SIGNERS = [1, 2, 3].map((number) => {
  const sender = new Uint8Array(20).fill(number);
  return { sender, sign: (message: Bytes) => cheapSignature(sender, message) };
});
const [SIGNER] = SIGNERS;
const WORKER_COUNT = 2;

/** What a request gets: a refusal, nothing, or that it is malformed. */
type Answer = TransactionRefusal | null | "malformed";

/** Decodes the whole and checks one after the other. */
function checkInOrder(request: Bytes): Answer {
  const decoded = tryDecode(RawTransactions, request);
  return decoded === null ? "malformed" : checkTransactions(CHEAP_SUITE, decoded.body);
}

/** Runs requests through a queue at once; chunks are finished in a random order. */
class Simulation {
  readonly chunks: Chunk[] = [];
  readonly known: KnownTransactions;
  readonly #queue = new CheckQueue(WORKER_COUNT);
  readonly #random: Random;

  constructor(seed: number, knownMax = 1_000) {
    this.#random = seededRandom(seed);
    this.known = new KnownTransactions(knownMax);
  }

  run(requests: readonly Bytes[]): Answer[] {
    const batches = requests.map((request) => this.#add(request));
    this.#settleAll();
    return batches.map(({ outcome }) => {
      assert(outcome !== null, "every chunk was settled");
      return outcome.kind === "checked" ? outcome.refusal : outcome.kind;
    });
  }

  #add(request: Bytes): Batch {
    const batch = new Batch(request, { hash, known: this.known, workerCount: WORKER_COUNT });
    this.#queue.add(batch);
    return batch;
  }

  #settleAll(): void {
    const inFlight: Task[] = [];
    for (;;) {
      const round = inFlight.length < 20 ? this.#queue.next() : null;
      if (round === null && inFlight.length === 0) return;
      inFlight.push(...round?.tasks ?? []);
      if (round !== null && this.#random() < 0.5) continue;
      const [done] = inFlight.splice(Math.floor(this.#random() * inFlight.length), 1);
      if (done === undefined) continue;
      this.chunks.push(done.chunk);
      done.batch.settle(done.chunk, checkChunk(CHEAP_SUITE, done.chunk));
    }
  }
}

function batchOf(...flaws: readonly Flaw[]): RawTransaction[] {
  assert(SIGNER !== undefined);
  return flaws.map((flaw, serial) =>
    makeTransaction({ hash, signer: SIGNER, kind: "normal", flaw, serial })
  );
}

const encodeBatch = (body: RawTransaction[]) => encode(RawTransactions, { body });
const good = (count: number): Flaw[] => Array.from({ length: count }, () => "none" as const);
const verifiedCount = (chunks: readonly Chunk[]) =>
  chunks.reduce((sum, { indexes }) => sum + indexes.length, 0);

Deno.test("CheckQueue answers batches as checking one transaction after the other does", () => {
  const batches = fc.array(transactionBatches(hash, SIGNERS, 150), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(batches, fc.nat(), (bodies, seed) => {
      const requests = bodies.map(encodeBatch);
      assert.deepEqual(new Simulation(seed).run(requests), requests.map(checkInOrder));
    }),
    { numRuns: 200 },
  );
});

Deno.test("CheckQueue answers malformed and odd requests as decoding the whole does", () => {
  // a change of a byte: flips in lengths and tags make fields run over the end of their message
  const change = fc.record({
    at: fc.nat(),
    byte: fc.constantFrom(0, 1, 2, 8, 10, 12, 18, 64, 255),
  });
  const requests = fc.tuple(
    transactionBatches(hash, SIGNERS, 8),
    fc.array(change, { maxLength: 3 }),
    fc.constantFrom("", "00", "0c", "1005", "0b0c", "0a", "0a00", "0a0200000a00", "8a0000"),
  ).map(([body, changes, rest]) => {
    const request = concatBytes(encodeBatch(body), fromHex(rest));
    for (const { at, byte } of changes) request[at % Math.max(1, request.length)] = byte;
    return request;
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(requests, fc.nat(), (request, seed) => {
      const expected = checkInOrder(request);
      seen.add(expected === null ? "passed" : expected === "malformed" ? expected : "refused");
      assert.deepEqual(new Simulation(seed).run([request]), [expected]);
    }),
    { numRuns: 2_000 },
  );
  assert.deepEqual([...seen].sort(), ["malformed", "passed", "refused"]);
});

Deno.test("CheckQueue answers a request that is malformed behind a refused transaction", () => {
  const request = concatBytes(encodeBatch(batchOf("wrong hash", ...good(500))), fromHex("0a0201"));
  assert.deepEqual(new Simulation(1).run([request]), ["malformed"]);
});

Deno.test("CheckQueue verifies nothing behind a refused transaction", () => {
  const simulation = new Simulation(1);
  const request = encodeBatch(batchOf(...good(10), "wrong sender", ...good(2_000)));
  const [answer] = simulation.run([request]);
  assert(answer !== "malformed" && answer !== undefined);
  assert.equal(answer?.position, 10);
  assert.equal(answer.code, StatusCode.SigCheckError);
  // what was handed out before the refusal was known
  assert(verifiedCount(simulation.chunks) < 400, String(verifiedCount(simulation.chunks)));
});

Deno.test("Batch.take() shares a small batch among workers and bounds large chunks", () => {
  const known = new KnownTransactions(10);
  const sizes = (count: number) => {
    const request = encodeBatch(batchOf(...good(count)));
    const batch = new Batch(request, { hash, known, workerCount: WORKER_COUNT });
    const taken: number[] = [];
    while (batch.hasMore) taken.push(batch.take()?.indexes.length ?? 0);
    return taken;
  };
  assert.deepEqual(sizes(1), [1]);
  assert.deepEqual(sizes(2), [1, 1]);
  assert.deepEqual(sizes(8), [2, 2, 1, 1, 1, 1]);
  assert.deepEqual(sizes(1_000).slice(0, 3), [32, 32, 32]);
});

Deno.test("Batch.take() looks at a bounded part of a batch that is known", () => {
  const simulation = new Simulation(1, 10_000);
  const request = encodeBatch(batchOf(...good(1_000)));
  simulation.run([request]);
  const batch = new Batch(request, { hash, known: simulation.known, workerCount: WORKER_COUNT });
  let takes = 0;
  for (; batch.hasMore; takes++) assert.equal(batch.take(), null);
  assert.equal(takes, Math.ceil(1_000 / 64));
  assert.deepEqual(batch.outcome, { kind: "checked", refusal: null });
});

/** Which batches get their turn, message by message. */
function turnsOf(counts: readonly number[], messageCount: number): number[][] {
  const queue = new CheckQueue(WORKER_COUNT);
  const known = new KnownTransactions(10);
  const batches = counts.map((count) =>
    new Batch(encodeBatch(batchOf(...good(count))), { hash, known, workerCount: WORKER_COUNT })
  );
  for (const batch of batches) queue.add(batch);
  return Array.from(
    { length: messageCount },
    () => queue.next()?.tasks.map(({ batch }) => batches.indexOf(batch)) ?? [],
  );
}

Deno.test("CheckQueue.next() gives every batch its turn", () => {
  assert.deepEqual(turnsOf([5_000, 1, 5_000], 4), [[0], [1, 2], [0], [2]]);
});

Deno.test("CheckQueue.next() puts small batches together, a share for each worker", () => {
  const counts = Array.from({ length: 20 }, () => 1);
  const turns = turnsOf(counts, 6);
  assert.deepEqual(turns.map(({ length }) => length), [8, 6, 3, 2, 1, 0]);
  assert.deepEqual(turns.flat(), [...counts.keys()]);
});

Deno.test("Batch does not check again what passed, and only that", () => {
  const simulation = new Simulation(1);
  const body = batchOf(...good(100));
  assert.deepEqual(simulation.run([encodeBatch(body)]), [null]);
  assert.equal(verifiedCount(simulation.chunks.splice(0)), 100);
  assert.deepEqual(simulation.run([encodeBatch(body.toReversed())]), [null]);
  assert.equal(verifiedCount(simulation.chunks.splice(0)), 0);
  const mixed = [...body, ...batchOf(...good(101)).slice(100)];
  assert.deepEqual(simulation.run([encodeBatch(mixed)]), [null]);
  assert.equal(verifiedCount(simulation.chunks), 1);
});

Deno.test("Batch checks a known transaction with anything changed", () => {
  const [original] = batchOf("none");
  assert(original?.tx?.$case === "normalTx");
  const { transaction, witness } = original.tx.value;
  assert(transaction !== undefined && witness !== undefined);
  const changes = [
    { transaction: { ...transaction, quota: 1n } },
    { transaction: undefined },
    { transactionHash: new Uint8Array(32) },
    { witness: { ...witness, sender: new Uint8Array(20) } },
    { witness: { ...witness, signature: new Uint8Array(52) } },
    { witness: undefined },
  ];
  for (const change of changes) {
    const simulation = new Simulation(1);
    assert.deepEqual(simulation.run([encodeBatch([original])]), [null]);
    const value = { ...original.tx.value, ...change };
    const request = encodeBatch([original, { tx: { $case: "normalTx", value } }]);
    const [answer] = simulation.run([request]);
    assert(answer !== undefined && answer !== null && answer !== "malformed");
    assert.equal(answer.position, 1);
  }
});

Deno.test("Batch never remembers a transaction that is refused", () => {
  for (const flaw of FLAWS) {
    const simulation = new Simulation(1);
    const request = encodeBatch(batchOf("none", flaw, "none"));
    for (let run = 0; run < 2; run++) {
      assert.deepEqual(simulation.run([request]), [checkInOrder(request)], flaw);
    }
    const [original] = batchOf("none");
    const alone = encodeBatch(original === undefined ? [] : [original]);
    assert.deepEqual(simulation.run([alone]), [null]);
    assert(simulation.known.count <= 2, flaw);
  }
});

Deno.test("Batch does not remember transactions that are long to hash", () => {
  const simulation = new Simulation(1);
  const [original] = batchOf("none");
  assert(original?.tx?.$case === "normalTx" && original.tx.value.witness !== undefined);
  const signature = new Uint8Array(100_000);
  const value = { ...original.tx.value, witness: { ...original.tx.value.witness, signature } };
  const long: RawTransaction = { tx: { $case: "normalTx", value } };
  const request = encodeBatch([long, original]);
  assert.deepEqual(simulation.run([request]), [checkInOrder(request)]);
  assert.deepEqual(simulation.chunks[0]?.digests, [null]);
});
