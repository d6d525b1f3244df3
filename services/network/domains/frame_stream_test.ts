import assert from "node:assert/strict";
import { type Bytes, concatBytes, u32be } from "../../../shared/bytes/mod.ts";
import { type Clock, SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { ConnectionMemory, MemoryBudget } from "../core/memory_budget.ts";
import { readFrames } from "./frame_stream.ts";

function reading(chunks: readonly Bytes[], memory: ConnectionMemory) {
  const messages: Bytes[] = [];
  const rest = [...chunks];
  const stream = {
    read: () => Promise.resolve(rest.shift() ?? null),
    message: (bytes: Bytes) => {
      messages.push(bytes);
    },
    stalled: (reason: string) => assert.fail(reason),
    memory,
    clock: SYSTEM_CLOCK,
  };
  return { stream, messages };
}

Deno.test("readFrames() lets others run while one chunk holds very many messages", async () => {
  const { stream, messages } = reading([new Uint8Array(40_000)], newMemory());
  let nowMs = 0;
  const countsAtPauses: number[] = [];
  const clock: Clock = {
    ...SYSTEM_CLOCK,
    monotonicMs: () => nowMs++,
    sleep() {
      countsAtPauses.push(messages.length);
      return Promise.resolve();
    },
  };
  assert.equal(await readFrames({ ...stream, clock }), null);
  assert.equal(messages.length, 10_000);
  assert(countsAtPauses.length > 20, `${countsAtPauses.length} pauses`);
});

Deno.test("readFrames() of a stream waits for the large message of another one", async () => {
  const memory = newMemory();
  const large = {};
  assert.equal(memory.grow(large, 20_000), "granted");
  const frame = concatBytes(u32be(15_000), new Uint8Array(15_000));
  const pieces = [frame.slice(0, 12_000), frame.slice(12_000)];
  const others = [1, 2, 3].map(() => reading(pieces, memory));
  const ends = others.map(({ stream }) => readFrames(stream));
  assert.match(String(await ends[2]), /^too many unfinished messages of this peer/);
  assert.deepEqual(others.map(({ messages }) => messages.length), [0, 0, 0]);
  memory.release(large);
  assert.deepEqual(await Promise.all(ends.slice(0, 2)), [null, null]);
  assert.deepEqual(others.map(({ messages }) => messages.length), [1, 1, 0]);
  assert.equal(memory.used, 0);
});

/** Memory of which 10,000 bytes are the share, and 20,000 are left in common. */
function newMemory(): ConnectionMemory {
  const budget = new MemoryBudget(20_000);
  budget.addSharers(1);
  return new ConnectionMemory(budget);
}
