import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { MessageBudget } from "./message_budget.ts";

const MIB = 1_024 * 1_024;

function harness() {
  const lines: string[] = [];
  const state = { nowMs: 0, isDiskFull: false };
  const budget = new MessageBudget({
    countMax: 100,
    clock: { ...SYSTEM_CLOCK, monotonicMs: () => state.nowMs },
    log: { ...SILENT_LOGGER, warn: (line: string) => void lines.push(line) },
    isDiskFull: () => state.isDiskFull,
  });
  /** How many of a session's messages are admitted until one is not. */
  const fill = (origin: bigint, size: number) => {
    let admitted = 0;
    while (budget.admit(origin, size)) admitted++;
    return admitted;
  };
  return { budget, lines, state, fill };
}

Deno.test("MessageBudget bounds the bytes that wait, and leaves each session as much as any other", () => {
  const { fill } = harness();
  assert.equal(fill(1n, 4 * MIB), 8);
  assert.equal(fill(2n, 4 * MIB), 4);
  assert.equal(fill(3n, 4 * MIB), 2);
  assert(fill(4n, 1_000) > 0, "votes find room when large messages do not");
});

Deno.test("MessageBudget bounds the number of messages that wait", () => {
  const { fill } = harness();
  assert.equal(fill(1n, 0), 50);
  assert.equal(fill(2n, 0), 25);
});

Deno.test("MessageBudget has room again for whoever's message is looked at", () => {
  const { budget, fill } = harness();
  budget.admit(1n, MIB);
  fill(2n, 4 * MIB);
  budget.release();
  assert(!budget.admit(2n, 4 * MIB), "it was a message of another one");
  while (budget.admit(1n, 4 * MIB));
  for (let count = 0; count < 7; count++) budget.release();
  assert(budget.admit(2n, 4 * MIB));
});

Deno.test("MessageBudget admits nothing while the disk is full, and says so once a second", () => {
  const { budget, lines, state } = harness();
  state.isDiskFull = true;
  for (let count = 0; count < 5; count++) assert(!budget.admit(1n, 1));
  state.nowMs = 1_000;
  for (let count = 0; count < 5; count++) assert(!budget.admit(1n, 1));
  assert.deepEqual(lines, [
    "drop messages of others (1): the disk is full",
    "drop messages of others (5): the disk is full",
  ]);
  assert.equal(budget.dropped, 10);
  state.isDiskFull = false;
  assert(budget.admit(1n, 1));
});
