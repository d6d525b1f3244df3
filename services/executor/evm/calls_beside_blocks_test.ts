/** What read-only calls and queries see, and what time they take, while blocks are executed. */

import assert from "node:assert/strict";
import type { Block } from "../../../proto/gen/blockchain.ts";
import type { CallRequest } from "../../../proto/gen/executor.ts";
import { EMPTY_BYTES, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { RefusedError } from "../service.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy, push, RETURN_WORD } from "../testing/code.ts";
import { CountedClock } from "../testing/counted_clock.ts";
import { MemoryRecords } from "../testing/memory_records.ts";
import { SENDER, TestChain, type TestTransaction } from "../testing/test_chain.ts";
import type { RecordBatch } from "./chain/records.ts";
import { EvmExecutor } from "./executor.ts";
import { createAddress } from "./interpreter/machine.ts";
import { nextTurn } from "./schedule/turn.ts";
import { bytesOfWord, wordOfBytes } from "./word.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

/** Milliseconds from one reading of the clock to the next, with 5,000 of gas in between. */
const READING_MS = 0.05;

/** Never ends: uses all quota. */
const ENDLESS = "5b600056";
/**
 * Without data counts up and returns the count, with data returns the count from before and from
 * after a loop of 26 ms.
 */
const COUNTER = `36601657${"600054600101806000" + "55" + RETURN_WORD}` +
  `5b600054600052${push(100_000)}5b6001900380602157600054602052` + "60406000f3";

/** Address of the contract that is created by the transaction of that number of the sender. */
function addressOf(nonce: number): string {
  const creator = wordOfBytes(fromHex(SENDER));
  return toHex(bytesOfWord(createAddress(creator, nonce, parts.natives.keccak), 20));
}
const [ENDLESS_AT, COUNTER_AT] = [addressOf(0), addressOf(1)];

/** A write that does not end by itself. */
interface HeldWrite {
  readonly begun: PromiseWithResolvers<void>;
  readonly end: PromiseWithResolvers<void>;
}

/** Records whose writes can be held up. */
class HeldRecords extends MemoryRecords {
  held: HeldWrite | null = null;
  closes = 0;

  override async write(batch: RecordBatch): Promise<void> {
    this.held?.begun.resolve();
    await this.held?.end.promise;
    await super.write(batch);
  }

  override close(): Promise<void> {
    this.closes++;
    return super.close();
  }
}

/** An executor over records in memory, on a clock that moves with the work. */
class TestExecutor {
  readonly clock = new CountedClock(READING_MS);
  readonly records = new HeldRecords();
  readonly executor: EvmExecutor;
  readonly #blocks = new TestChain(parts, sm3);
  opens = 0;

  private constructor(callTimeLimitMs: number, statesKept: number | null) {
    const open = () => {
      this.opens++;
      return Promise.resolve(this.records);
    };
    const { clock } = this;
    const log = SILENT_LOGGER;
    this.executor = new EvmExecutor({ ...parts, open, log, clock, callTimeLimitMs, statesKept });
  }

  /** Starts with the contracts in block 1. */
  static async start(
    { callTimeLimitMs = Infinity, statesKept = null as number | null } = {},
  ): Promise<TestExecutor> {
    const test = new TestExecutor(callTimeLimitMs, statesKept);
    await test.executor.exec(test.next());
    await test.executor.exec(
      test.next({ data: deploy(ENDLESS) }, { data: deploy(COUNTER) }),
    );
    return test;
  }

  /** The next block. */
  next(...transactions: readonly TestTransaction[]): Block {
    const block = this.#blocks.build(transactions);
    this.#blocks.execute(block);
    return block;
  }

  /** A block that takes long and counts up at its end. */
  nextLong(): Block {
    const loops = Array.from({ length: 10 }, () => ({ to: ENDLESS_AT, quota: 3_000_000n }));
    return this.next(...loops, { to: COUNTER_AT });
  }

  /** Lets the next writes wait. */
  holdWrite(): HeldWrite {
    return this.records.held = { begun: Promise.withResolvers(), end: Promise.withResolvers() };
  }

  /** Calls a contract; gives the returned bytes in hex. */
  async call(to: string, data = "", caller = { isGone: false }): Promise<string> {
    const answer = await this.executor.call(request(to, data), caller);
    return answer.kind === "value" ? toHex(answer.value) : answer.message;
  }

  /** Calls for the count before and after a loop. */
  watch(): Promise<string> {
    return this.call(COUNTER_AT, "01");
  }

  height(): Promise<bigint> {
    return this.executor.read((chain) => chain.header.height);
  }
}

function request(to: string, data = ""): CallRequest {
  return { to: fromHex(to), from: EMPTY_BYTES, method: fromHex(data), args: [], height: 0n };
}

const word = (value: number) => value.toString(16).padStart(64, "0");

function isRefusal(reason: string): (cause: unknown) => boolean {
  return (cause) => cause instanceof RefusedError && cause.reason === reason;
}

/** Time of a long block beside so many calls that never end. */
async function blockTime(calls: number): Promise<{ ms: number; answered: number }> {
  const test = await TestExecutor.start({ callTimeLimitMs: 0.5 });
  let answered = 0;
  let isOver = false;
  const callers = Array.from({ length: calls }, async () => {
    while (!isOver) {
      await assert.rejects(test.call(ENDLESS_AT), isRefusal("time"));
      if (!isOver) answered++;
    }
  });
  const startMs = test.clock.monotonicMs();
  await test.executor.exec(test.nextLong());
  const ms = test.clock.monotonicMs() - startMs;
  isOver = true;
  await Promise.all(callers);
  return { ms, answered };
}

Deno.test("calls that never end delay a block by less than a tenth, and have a share of its time", async () => {
  const alone = await blockTime(0);
  const beside = await blockTime(8);
  assert(alone.ms > 300, `the block takes ${alone.ms} ms`);
  assert(beside.ms > alone.ms * 1.01 && beside.ms < alone.ms * 1.1, `${beside.ms} of ${alone.ms}`);
  assert(beside.answered > 0);
});

Deno.test("calls and queries during a block see the state before it", async () => {
  const test = await TestExecutor.start();
  let isExecuted = false;
  const executed = test.executor.exec(test.nextLong()).then(() => isExecuted = true);
  for (let round = 0; round < 3; round++) {
    assert.equal(await test.call(COUNTER_AT), word(1));
    assert.equal(await test.height(), 1n);
  }
  assert(!isExecuted, "the block is still under way");
  await executed;
  assert.equal(await test.call(COUNTER_AT), word(2));
  assert.equal(await test.height(), 2n);
});

Deno.test("a call that is under way when a block ends begins again on the state before it", async () => {
  const test = await TestExecutor.start();
  const order: string[] = [];
  const executed = test.executor.exec(test.nextLong()).then(() => order.push("block"));
  const watched = await test.watch();
  order.push("call");
  await executed;
  assert.deepEqual(order, ["block", "call"]);
  assert.equal(watched, word(0) + word(0));
  assert.equal(await test.watch(), word(1) + word(1));
});

Deno.test("calls and queries do not see a block that is being written", async () => {
  const test = await TestExecutor.start();
  const write = test.holdWrite();
  const executed = test.executor.exec(test.nextLong());
  const watched = test.watch();
  await write.begun.promise;
  assert.equal(await watched, word(0) + word(0), "begun before the block was executed");
  assert.equal(await test.watch(), word(0) + word(0));
  assert.equal(await test.height(), 1n);
  write.end.resolve();
  await executed;
  assert.equal(await test.watch(), word(1) + word(1));
  assert.equal(await test.height(), 2n);
});

/** Without data counts up, with data returns the count after a loop of 78 ms. */
const LATE_COUNTER = `36600e576001600054016000` + "5500" +
  `5b${push(300_000)}5b6001900380601357600054${RETURN_WORD}`;

/** A call that lasts as long as many blocks, and what it answers beside so many of them. */
async function callBesideBlocks(blocks: number): Promise<string> {
  const test = await TestExecutor.start({ statesKept: 1 });
  await test.executor.exec(test.next({ data: deploy(LATE_COUNTER) }));
  const to = addressOf(2);
  await test.executor.exec(test.next({ to }));
  let isOver = false;
  const answer = test.call(to, "01").finally(() => isOver = true);
  answer.catch(() => {}); // whoever asked gets the error
  for (let block = 0; block < blocks && !isOver; block++) {
    await test.executor.exec(test.next({ to }));
    await nextTurn();
  }
  assert(isOver === (blocks === Infinity), "blocks end before the call, or never");
  return await answer;
}

Deno.test("a call of the last block begins on a later one when its state was removed", async () => {
  assert.equal(await callBesideBlocks(20), word(21));
});

Deno.test("a call of the last block is refused when blocks outrun it again and again", async () => {
  await assert.rejects(callBesideBlocks(Infinity), isRefusal("outrun"));
});

Deno.test("calls go on from the disk when the write of a block fails", async () => {
  const test = await TestExecutor.start();
  const write = test.holdWrite();
  const executed = assert.rejects(test.executor.exec(test.nextLong()), /the disk is gone/);
  const watched = test.watch();
  const endless = test.call(ENDLESS_AT);
  await write.begun.promise;
  write.end.reject(new Error("the disk is gone"));
  await executed;
  assert.equal(await watched, word(0) + word(0));
  assert.equal(await endless, "");
  assert.equal(await test.height(), 1n);
  assert.deepEqual([test.opens, test.records.closes], [2, 1]);
});

Deno.test("calls are refused when the records cannot be opened again", async () => {
  const test = await TestExecutor.start();
  const write = test.holdWrite();
  const executed = assert.rejects(test.executor.exec(test.next()), /the disk is gone/);
  const endless = assert.rejects(test.call(ENDLESS_AT), /Cannot read header 99/);
  await write.begun.promise;
  test.records.put([[Uint8Array.of(0), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 99)]]);
  write.end.reject(new Error("the disk is gone"));
  await Promise.all([executed, endless]);
});

Deno.test("close() refuses calls and a block under way, and leaves the records as they were", async () => {
  const test = await TestExecutor.start();
  const executed = assert.rejects(test.executor.exec(test.nextLong()), isRefusal("stopping"));
  const calls = [test.call(ENDLESS_AT), test.watch()].map((call) =>
    assert.rejects(call, isRefusal("stopping"))
  );
  assert.equal(await test.call(COUNTER_AT), word(1));
  await test.executor.close();
  await Promise.all([executed, ...calls]);
  await assert.rejects(test.call(COUNTER_AT), isRefusal("stopping"));
  await assert.rejects(test.height(), isRefusal("stopping"));
  await assert.rejects(test.executor.exec(test.next()), isRefusal("stopping"));
  assert.equal(test.records.closes, 1);
  assert.equal(new TestChain(parts, sm3, test.records).chain.header.height, 1n);
});

Deno.test("close() waits for a block that is being written", async () => {
  const test = await TestExecutor.start();
  const write = test.holdWrite();
  const executed = test.executor.exec(test.next({ to: COUNTER_AT }));
  const endless = assert.rejects(test.call(ENDLESS_AT), isRefusal("stopping"));
  await write.begun.promise;
  const closed = test.executor.close();
  await endless;
  assert.equal(test.records.closes, 0);
  write.end.resolve();
  assert.equal((await executed).code, 0);
  await closed;
  assert.equal(test.records.closes, 1);
});

Deno.test("a call whose caller is gone takes no more time", async () => {
  const test = await TestExecutor.start();
  const caller = { isGone: false };
  const call = assert.rejects(test.call(ENDLESS_AT, "", caller), isRefusal("gone"));
  assert.equal(await test.call(COUNTER_AT), word(1));
  const startMs = test.clock.monotonicMs();
  caller.isGone = true;
  await call;
  assert(test.clock.monotonicMs() - startMs < 1, "all its quota would take 500 ms");
});

Deno.test("an estimate has one time limit for all its runs", async () => {
  // uses more than 300,000 and fails with less than 10 million, so that the search runs it often
  const code = `${push(10_000_000)}5a11600a57fe5b${push(10_000)}5b6001900380600e5700`;
  const test = await TestExecutor.start({ callTimeLimitMs: 10 });
  const block = test.next({ data: deploy(code) });
  await test.executor.exec(block);
  const to = addressOf(2);
  assert.equal(await test.call(to), "");
  await assert.rejects(test.executor.estimateQuota(request(to)), isRefusal("time"));
});
