import assert from "node:assert/strict";
import fc from "fast-check";
import { ABSENT, History, type Write } from "./history.ts";

const allowed = (history: History) => [...history.allowed("a")].sort();

Deno.test("History allows nothing but absence before a write, and both while it is under way", () => {
  const history = new History();
  assert.deepEqual(allowed(history), [ABSENT]);
  history.begin("a", 1);
  assert.deepEqual(allowed(history), [ABSENT, 1]);
});

Deno.test("History forbids what an acknowledged write has overwritten or deleted", () => {
  const history = new History();
  history.acknowledge(history.begin("a", 1));
  assert.deepEqual(allowed(history), [1]);
  history.acknowledge(history.begin("a", ABSENT));
  assert.deepEqual(allowed(history), [ABSENT]);
  history.begin("a", 2);
  history.begin("a", 3);
  assert.deepEqual(allowed(history), [ABSENT, 2, 3]);
});

Deno.test("History allows either of two acknowledged writes that were under way together", () => {
  const history = new History();
  const [first, second] = [history.begin("a", 1), history.begin("a", 2)];
  history.acknowledge(second);
  history.acknowledge(first);
  assert.deepEqual(allowed(history), [1, 2]);
  history.acknowledge(history.begin("a", 3));
  assert.deepEqual(allowed(history), [3]);
});

Deno.test("History keeps a write without an answer possible until what was found settles it", () => {
  const history = new History();
  history.begin("a", 1);
  history.acknowledge(history.begin("a", 2));
  assert.deepEqual(allowed(history), [1, 2]);
  assert.deepEqual(history.underWay("a"), [1]);
  history.settle("a", 2);
  assert.deepEqual(allowed(history), [2]);
  assert.deepEqual(history.underWay("a"), []);
});

Deno.test("History allows what any order of overlapping writes can leave, and never more", () => {
  const event = fc.record({ write: fc.nat(4), acknowledge: fc.boolean() });
  fc.assert(fc.property(fc.array(event, { maxLength: 30 }), (events) => {
    const history = new History();
    const open: Write[] = [];
    const spans: { version: number; begun: number; ended: number }[] = [
      { version: ABSENT, begun: -1, ended: -1 },
    ];
    for (const [time, { acknowledge, write }] of events.entries()) {
      const ending = open[write];
      if (acknowledge && ending !== undefined) {
        open.splice(write, 1);
        history.acknowledge(ending);
        const span = spans.find(({ version }) => version === ending.version);
        if (span !== undefined) span.ended = time;
      } else {
        const version = spans.length;
        spans.push({ version, begun: time, ended: Infinity });
        open.push(history.begin("a", version));
      }
    }
    const acknowledged = spans.filter(({ ended }) => ended < Infinity);
    const possible = spans.filter((span) => !acknowledged.some(({ begun }) => begun > span.ended));
    assert.deepEqual(
      new Set(history.allowed("a")),
      new Set(possible.map(({ version }) => version)),
    );
  }));
});
