import assert from "node:assert/strict";
import fc from "fast-check";
import type { Lane } from "./core/lane.ts";
import type { Frame } from "./frame.ts";
import { LANE_FRAMES_MAX, LANE_SIZES_MAX, Outbox } from "./outbox.ts";
import { ManualClock } from "./testing/manual_clock.ts";
import { Traffic } from "./traffic.ts";

function setup() {
  const traffic = new Traffic();
  return { traffic, outbox: new Outbox(traffic) };
}

function frame(lane: Lane, size = 10): Frame {
  return { parts: [], size, lane };
}

function takeAll(outbox: Outbox): Frame[] {
  const frames: Frame[] = [];
  for (let next = outbox.next(); next !== null; next = outbox.next()) frames.push(next);
  return frames;
}

Deno.test("Outbox.next() gives urgent frames first, and transactions a turn beside sync", () => {
  const { outbox } = setup();
  for (let count = 0; count < 8; count++) {
    for (const lane of ["transactions", "sync", "urgent"] as const) outbox.push(frame(lane));
  }
  const lanes = takeAll(outbox).map(({ lane }) => lane);
  assert.deepEqual(lanes.slice(0, 8), Array(8).fill("urgent"));
  assert.equal(lanes.slice(8, 16).filter((lane) => lane === "transactions").length, 2);
  assert.equal(lanes.length, 24);
});

Deno.test("Outbox keeps the order within a lane, whatever is taken and when", () => {
  const lanes = fc.constantFrom<Lane>("urgent", "sync", "transactions");
  const step = fc.oneof(fc.record({ push: lanes }), fc.record({ take: fc.option(lanes) }));
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const { outbox, traffic } = setup();
    const pushed: Frame[] = [];
    const taken: Frame[] = [];
    for (const one of steps) {
      if ("push" in one) {
        pushed.push(frame(one.push, 1 + pushed.length));
        assert(outbox.push(pushed.at(-1) ?? frame(one.push)));
      } else {
        const next = one.take === null ? outbox.next() : outbox.nextOf(one.take);
        if (next !== null) taken.push(next);
      }
    }
    taken.push(...takeAll(outbox));
    assert.equal(outbox.size, 0);
    for (const lane of ["urgent", "sync", "transactions"] as const) {
      const of = (frames: Frame[]) => frames.filter((one) => one.lane === lane);
      assert.deepEqual(of(taken), of(pushed));
      assert.equal(traffic.count("sent", lane).messages, of(pushed).length);
    }
  }));
});

Deno.test("Outbox drops what finds its lane full, and no other lane", () => {
  const { outbox, traffic } = setup();
  assert(outbox.push(frame("sync", LANE_SIZES_MAX.sync + 1)), "one frame always fits");
  assert.equal(outbox.push(frame("sync")), false);
  assert(outbox.push(frame("urgent")));
  for (let count = 0; count < LANE_FRAMES_MAX; count++) assert(outbox.push(frame("transactions")));
  assert.equal(outbox.push(frame("transactions")), false);
  assert.equal(traffic.count("unsent", "sync").messages, 1);
  assert.equal(traffic.count("unsent", "transactions").bytes, 10);
  outbox.nextOf("sync");
  assert(outbox.push(frame("sync")));
});

Deno.test("Outbox.waitForRoom() ends with room, after a moment, and at the end", async () => {
  const clock = new ManualClock();
  const { outbox } = setup();
  await outbox.waitForRoom("sync", clock);
  outbox.push(frame("sync", 9_000_000));
  let isDone = false;
  const first = outbox.waitForRoom("sync", clock).then(() => isDone = true);
  outbox.push(frame("urgent", 1_000_000));
  outbox.next();
  await Promise.resolve();
  assert.equal(isDone, false);
  outbox.next();
  await first;
  outbox.push(frame("sync", 9_000_000));
  await outbox.waitForRoom("urgent", clock);
  const second = outbox.waitForRoom("sync", clock);
  clock.advance(500);
  await second;
  const third = outbox.waitForRoom("sync", clock);
  outbox.close();
  await third;
  assert.equal(outbox.size, 0);
  assert.equal(outbox.push(frame("urgent")), false);
});
