import assert from "node:assert/strict";
import { type Engine, type EngineBatch, EngineError } from "./engine.ts";
import { MemoryEngine } from "./engines/memory/engine.ts";
import { GroupCommit, type GroupCommitLimits } from "./group_commit.ts";
import { testEngineContract } from "./testing/engine_contract.ts";
import { levelFixture } from "./testing/level_fixture.ts";

testEngineContract("GroupCommit", async () => {
  const level = await levelFixture();
  const open = async () => new GroupCommit(await level.open());
  return { open, reopen: open, dispose: () => level.dispose() };
});

const LIMITS: GroupCommitLimits = {
  waitingWritesMax: 10,
  waitingBytesMax: 10_000,
  groupBytesMax: 2_000,
};

const AT_ONCE = () => Promise.resolve();

/** An engine whose writes end when the test says so. */
class SteppedEngine extends MemoryEngine {
  readonly groups: EngineBatch[] = [];
  #end: { resolve(): void; reject(error: Error): void } | null = null;

  override write(batch: EngineBatch): Promise<void> {
    this.groups.push(batch);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#end = { resolve, reject };
    return promise.then(() => super.write(batch));
  }

  /** Ends the running write and lets what follows happen. */
  async step(error?: Error): Promise<void> {
    if (error === undefined) this.#end?.resolve();
    else this.#end?.reject(error);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

function put(byte: number, size = 1): EngineBatch {
  const value = new Uint8Array(size).fill(byte);
  return { puts: [{ region: 0, key: Uint8Array.of(byte), value }], deletes: [] };
}

function remove(byte: number): EngineBatch {
  return { puts: [], deletes: [{ region: 0, key: Uint8Array.of(byte) }] };
}

/** Key bytes of each group, deletes with a minus. */
function shapeOf({ groups }: SteppedEngine): string[] {
  return groups.map(({ puts, deletes }) =>
    [...puts.map(({ key }) => `${key[0]}`), ...deletes.map(({ key }) => `-${key[0]}`)].join(" ")
  );
}

Deno.test("GroupCommit merges writes that arrive during a write, and answers when they are safe", async () => {
  const engine = new SteppedEngine();
  const commit: Engine = new GroupCommit(engine, LIMITS, AT_ONCE);
  const answered: number[] = [];
  const writes = [1, 2, 3, 4].map((byte) =>
    commit.write(put(byte)).then(() => void answered.push(byte))
  );
  assert.deepEqual(shapeOf(engine), ["1"]);
  await engine.step();
  assert.deepEqual(answered, [1]);
  assert.deepEqual(shapeOf(engine), ["1", "2 3 4"]);
  await engine.step();
  await Promise.all(writes);
  assert.deepEqual(answered, [1, 2, 3, 4]);
});

Deno.test("GroupCommit gives callers that write together the time to do it again", async () => {
  const engine = new SteppedEngine();
  const turns: (() => void)[] = [];
  const nextTurn = () => new Promise<void>((resolve) => turns.push(resolve));
  const commit = new GroupCommit(engine, LIMITS, nextTurn);
  const writes = [1, 2, 3].map((byte) => commit.write(put(byte)));
  await engine.step();
  assert.equal(turns.length, 0); // one caller does not wait
  await engine.step();
  writes.push(commit.write(put(4)));
  await Promise.resolve();
  writes.push(commit.write(put(5)));
  turns.shift()?.();
  await engine.step();
  await engine.step();
  await Promise.all(writes);
  assert.deepEqual(shapeOf(engine), ["1", "2 3", "4 5"]);
});

Deno.test("GroupCommit starts again for a write that follows an answer at once", async () => {
  const engine = new SteppedEngine();
  const commit = new GroupCommit(engine, LIMITS, AT_ONCE);
  const second = commit.write(put(1)).then(() => commit.write(put(2)));
  await engine.step();
  await engine.step();
  await second;
  assert.deepEqual(shapeOf(engine), ["1", "2"]);
});

Deno.test("GroupCommit puts nothing behind a delete into one group", async () => {
  const engine = new SteppedEngine();
  const commit = new GroupCommit(engine, LIMITS, AT_ONCE);
  const changes = [put(0), put(1), remove(1), remove(2), put(1), put(2)];
  const writes = changes.map((change) => commit.write(change));
  for (let i = 0; i < 3; i++) await engine.step();
  await Promise.all(writes);
  assert.deepEqual(shapeOf(engine), ["0", "1 -1 -2", "1 2"]);
});

Deno.test("GroupCommit limits the bytes of a group, but a large write has its turn", async () => {
  const engine = new SteppedEngine();
  const commit = new GroupCommit(engine, LIMITS, AT_ONCE);
  const changes = [put(0), put(1, 900), put(2, 900), put(3, 900), put(4, 5_000), put(5)];
  const writes = changes.map((change) => commit.write(change));
  for (let i = 0; i < 5; i++) await engine.step();
  await Promise.all(writes);
  assert.deepEqual(shapeOf(engine), ["0", "1 2", "3", "4", "5"]);
});

Deno.test("GroupCommit refuses more writes and bytes than may wait", async () => {
  const engine = new SteppedEngine();
  const commit = new GroupCommit(engine, LIMITS, AT_ONCE);
  const running = commit.write(put(0));
  const huge = commit.write(put(1, 50_000));
  await assert.rejects(commit.write(put(2)), /the queue is full, 1 writes of \d+ bytes wait/);
  await engine.step();
  const waiting = [...Array(LIMITS.waitingWritesMax).keys()].map((i) => commit.write(put(i)));
  await assert.rejects(commit.write(put(2)), /the queue is full, 10 writes/);
  await engine.step();
  await engine.step();
  await Promise.all([running, huge, ...waiting]);
  const after = commit.write(put(3));
  await engine.step(); // lets the turn pass
  await engine.step();
  await after;
});

Deno.test("GroupCommit fails the writes of a failed group only", async () => {
  const engine = new SteppedEngine();
  const commit = new GroupCommit(engine, LIMITS, AT_ONCE);
  const outcomes = [put(0), put(1), put(2), remove(1), put(3)].map((change) =>
    commit.write(change).then(() => "ok", (error: unknown) => error)
  );
  await engine.step();
  const fault = new EngineError("disk");
  await engine.step(fault);
  await engine.step();
  assert.deepEqual(await Promise.all(outcomes), ["ok", fault, fault, fault, "ok"]);
});

Deno.test("GroupCommit.close() writes what waits, and refuses what comes later", async () => {
  const engine = new SteppedEngine();
  const commit = new GroupCommit(engine, LIMITS, AT_ONCE);
  const writes = [put(0), put(1)].map((change) => commit.write(change));
  const closed = commit.close();
  await assert.rejects(commit.write(put(2)), EngineError);
  await engine.step();
  await engine.step();
  await Promise.all([...writes, closed]);
  assert.deepEqual(shapeOf(engine), ["0", "1"]);
});
