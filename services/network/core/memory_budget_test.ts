import assert from "node:assert/strict";
import { ConnectionMemory, MemoryBudget } from "./memory_budget.ts";

const MIB = 2 ** 20;

Deno.test("ConnectionMemory keeps 16 MiB for each connection, whatever others take", () => {
  const budget = new MemoryBudget(1_024 * MIB);
  assert(budget.take(1_024 * MIB), "others have all of it");
  const memory = new ConnectionMemory(budget);
  const [one, two] = [{}, {}];
  assert.equal(memory.grow(one, 15 * MIB), "granted");
  assert.equal(memory.grow(two, MIB), "granted");
  assert.equal(memory.grow(two, MIB + 1), "full");
  memory.release(one);
  assert.equal(memory.grow(two, 16 * MIB), "granted");
  memory.release(two);
  assert.equal(memory.used, 0);
});

Deno.test("ConnectionMemory lets one frame at a time of a connection be larger", async () => {
  const budget = new MemoryBudget(1_024 * MIB);
  const [evil, good] = [new ConnectionMemory(budget), new ConnectionMemory(budget)];
  const [first, second, third] = [{}, {}, {}];
  assert.equal(evil.grow(first, 256 * MIB), "granted");
  assert.equal(evil.grow(second, 256 * MIB), "busy");
  assert.equal(evil.grow(second, 4 * MIB), "granted");
  assert.equal(budget.used, 256 * MIB);
  assert.equal(good.grow(third, 256 * MIB), "granted");
  const less = evil.whenLess();
  assert(less !== null && evil.whenLess() !== null);
  assert.equal(evil.whenLess(), null, "no more than two wait");
  evil.release(first);
  await less;
  assert.equal(evil.grow(second, 256 * MIB), "granted");
  assert.equal(evil.used, 256 * MIB);
  evil.release(second);
  good.release(third);
  assert.equal(budget.used, 0);
});

Deno.test("ConnectionMemory has less for each of very many connections", () => {
  const budget = new MemoryBudget(1_024 * MIB);
  const owner = {};
  const memories = Array.from({ length: 1_024 }, () => new ConnectionMemory(budget));
  for (const memory of memories) assert.equal(memory.grow(owner, 1), "granted");
  for (const memory of memories) assert.equal(memory.grow(owner, MIB), "granted");
  assert.equal(budget.used, 0);
  assert.equal(memories[0]?.grow(owner, MIB + 1), "granted");
  assert.equal(budget.used, MIB + 1, "out of what all have together");
  for (const memory of memories) memory.release(owner);
  assert.equal(memories[0]?.grow(owner, 16 * MIB), "granted");
  assert.equal(budget.used, 0);
});
