import assert from "node:assert/strict";
import { RefusedError } from "../../service.ts";
import { CountedClock } from "../../testing/counted_clock.ts";
import type { Work } from "../work.ts";
import { CallQueue } from "./call_queue.ts";

const WAITING = { isGone: false };

/** Calls over a source that is its own name, and what they did in which order. */
class TestQueue {
  readonly clock = new CountedClock(0);
  readonly queue: CallQueue<string>;
  readonly slices: string[] = [];
  readonly stops: string[] = [];

  constructor(timeLimitMs = Infinity) {
    this.queue = new CallQueue({ clock: this.clock, timeLimitMs });
  }

  /** Adds a call that takes slices of a millisecond. */
  add(name: string, slices: number, { caller = WAITING, bytes = 0 } = {}): Promise<string> {
    const work = function* (test: TestQueue, source: string): Work<string> {
      let isDone = false;
      try {
        for (let slice = 0; slice < slices; slice++) {
          if (slice > 0) yield bytes;
          test.clock.pass(1);
          test.slices.push(name);
        }
        isDone = true;
        return `${name} of ${source}`;
      } finally {
        if (!isDone) test.stops.push(name);
      }
    };
    return this.queue.add({ start: (source) => work(this, source), caller });
  }

  run(ms: number, source = "now"): void {
    this.queue.run(source, this.clock.monotonicMs() + ms);
  }
}

function isRefusal(reason: string): (cause: unknown) => boolean {
  return (cause) => cause instanceof RefusedError && cause.reason === reason;
}

Deno.test("CallQueue runs calls by turns, so that short ones do not wait for long ones to end", async () => {
  const test = new TestQueue();
  const long = test.add("long", 5);
  const short = test.add("short", 1);
  const other = test.add("other", 3);
  test.run(4);
  assert.deepEqual(test.slices, ["long", "short", "other", "long"]);
  assert.equal(await short, "short of now");
  test.run(100);
  assert.deepEqual(await Promise.all([long, other]), ["long of now", "other of now"]);
  assert.equal(test.queue.size, 0);
});

Deno.test("CallQueue ends a call that runs longer than it may and names the key, others go on", async () => {
  const test = new TestQueue(10);
  const long = test.add("long", 100);
  const short = test.add("short", 10);
  test.run(1000);
  assert.equal(await short, "short of now");
  await assert.rejects(
    long,
    (cause: Error) =>
      isRefusal("time")(cause) &&
      /call_time_limit_ms of \[executor_evm\], 10 ms/.test(cause.message),
  );
  assert.equal(test.slices.filter((name) => name === "long").length, 11);
  assert.deepEqual(test.stops, ["long"]);
});

Deno.test("CallQueue gives no more time to calls whose callers are gone", async () => {
  const test = new TestQueue();
  const caller = { isGone: false };
  const started = test.add("started", 100, { caller });
  const waiting = test.add("waiting", 1, { caller });
  test.run(1);
  caller.isGone = true;
  test.run(100);
  await assert.rejects(started, isRefusal("gone"));
  await assert.rejects(waiting, isRefusal("gone"));
  assert.deepEqual(test.slices, ["started"]);
  assert.deepEqual(test.stops, ["started"]);
});

Deno.test("CallQueue refuses calls when too many wait", async () => {
  const test = new TestQueue();
  const answers = Array.from({ length: 10_001 }, (_, index) => test.add(String(index), 1));
  await assert.rejects(answers[10_000]!, isRefusal("busy"));
  test.run(20_000);
  assert.equal((await Promise.all(answers.slice(0, 10_000))).length, 10_000);
});

Deno.test("CallQueue has at most 64 calls begun at a time", () => {
  const test = new TestQueue();
  for (let index = 0; index < 100; index++) test.add(String(index), 3);
  test.run(128);
  assert.equal(new Set(test.slices).size, 64);
  test.run(172);
  assert.equal(new Set(test.slices).size, 100);
});

Deno.test("CallQueue runs one call to its end when paused ones hold too much memory", () => {
  const test = new TestQueue();
  for (const name of ["a", "b", "c"]) test.add(name, 4, { bytes: 50 * 1024 * 1024 });
  test.run(12);
  assert.equal(test.slices.join(""), "abccccababab");
  assert.equal(test.queue.size, 0);
});

Deno.test("CallQueue lets calls begin again whose source is gone, once, and not those of others", async () => {
  const test = new TestQueue(10);
  const before = test.add("before", 9);
  test.run(5, "first");
  test.queue.move("first", () => "copy");
  const after = test.add("after", 9);
  test.run(6, "second");
  test.queue.move("second", () => "other copy");
  test.queue.move("first", () => assert.fail("nobody reads it any more"));
  test.run(100, "third");
  assert.equal(await before, "before of copy");
  assert.equal(await after, "after of other copy");
  assert.deepEqual(test.stops, ["before", "after"]);
});

Deno.test("CallQueue tells what a call threw, and ends all calls when it is told to", async () => {
  const test = new TestQueue();
  const broken = test.queue.add({
    start: () => {
      throw new Error("broken");
    },
    caller: WAITING,
  });
  const started = test.add("started", 5);
  test.run(2);
  const waiting = test.add("waiting", 5);
  test.queue.rejectAll(new RefusedError("stopping", "the end"));
  await assert.rejects(broken, /broken/);
  await assert.rejects(started, isRefusal("stopping"));
  await assert.rejects(waiting, isRefusal("stopping"));
  assert.deepEqual(test.stops, ["started"]);
  assert.equal(test.queue.size, 0);
});
