import assert from "node:assert/strict";
import { Memory } from "./memory.ts";

Deno.test("Memory.growthCost() has the published values and ends at 1 GiB", () => {
  const cost = (offset: number | bigint, size: number | bigint) =>
    new Memory().growthCost(offset, size);
  assert.deepEqual([32, 128, 129, 1024].map((size) => cost(0, size)), [3, 12, 15, 98]);
  const words = 2 ** 25;
  assert.equal(cost(2 ** 30 - 32, 32), 3 * words + words * words / 512);
  assert.equal(cost(0, 2 ** 30), 3 * words + words * words / 512);
  assert.equal(cost(2 ** 30 - 31, 32), Infinity);
  assert.equal(cost(0, 2 ** 30 + 1), Infinity);
  assert.equal(cost(2n ** 64n, 1), Infinity);
  assert.equal(cost(2n ** 64n, 0), 0);
});

Deno.test("Memory.grow() copies seldom, also above 16 MiB, and keeps what is there", () => {
  const memory = new Memory();
  let copies = 0;
  for (let size = 32; size <= 40 * 2 ** 20; size += 32 * 1024) {
    const { bytes } = memory;
    memory.grow(size - 32, 32);
    if (memory.bytes !== bytes) copies++;
    memory.bytes[size - 32] = 7;
  }
  assert(copies < 20, `${copies} copies`);
  for (let at = 0; at < 40 * 2 ** 20; at += 32 * 1024) assert.equal(memory.bytes[at], 7);
  memory.reset();
  memory.grow(0, 64);
  assert.deepEqual(memory.bytes.subarray(0, 64), new Uint8Array(64));
});
