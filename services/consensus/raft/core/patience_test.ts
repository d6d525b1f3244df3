import assert from "node:assert/strict";
import { Patience } from "./patience.ts";

const ELECTION_TICKS = 10;

function tick(patience: Patience, count: number): void {
  for (let tick = 0; tick < count; tick++) patience.tick();
}

Deno.test("Patience is twice what the last commit took, but an election time at least and eight at most", () => {
  const patience = new Patience(ELECTION_TICKS);
  for (const [took, ticks] of [[1, 10], [5, 10], [6, 12], [35, 70], [50, 80], [0, 10]] as const) {
    tick(patience, took);
    patience.noteCommit(true);
    assert.equal(patience.ticks, ticks, `a commit after ${took} ticks`);
  }
});

Deno.test("Patience counts the longest silence before a commit, too", () => {
  const patience = new Patience(ELECTION_TICKS);
  tick(patience, 20);
  patience.noteUse();
  tick(patience, 3);
  patience.noteCommit(true);
  assert.equal(patience.ticks, 40);
});

Deno.test("Patience does not take the first entry of a leader for what the leader is to bring", () => {
  const patience = new Patience(ELECTION_TICKS);
  for (const [isFruitful, ticks] of [[false, 20], [true, 10]] as const) {
    patience.follow(false);
    patience.noteCommit(isFruitful);
    patience.endTerm();
    assert.equal(patience.ticks, ticks);
  }
});

Deno.test("Patience of a leader begins when it leads", () => {
  const patience = new Patience(ELECTION_TICKS);
  tick(patience, 19);
  patience.lead();
  patience.noteCommit(true);
  assert.equal(patience.ticks, ELECTION_TICKS);
});

Deno.test("Patience with a leader that is heard lasts three times as long as with a silent one", () => {
  const patience = new Patience(ELECTION_TICKS);
  tick(patience, 29);
  assert(!patience.isOver);
  tick(patience, 1);
  assert(patience.isOver);
  patience.noteUse();
  assert(!patience.isOver);
});

Deno.test("Patience tells rest from use: who asks may lead after a long rest, nobody else wants to", () => {
  const patience = new Patience(10);
  const pass = (ticks: number, note: () => void) => {
    for (let tick = 0; tick < ticks; tick++) {
      patience.tick();
      note();
    }
  };
  pass(30, () => patience.noteRest());
  assert(patience.isBarren && !patience.isOver);
  patience.noteUse();
  assert(!patience.isBarren);
  pass(60, () => patience.noteUse());
  assert(!patience.isBarren && !patience.isOver);
  pass(30, () => {});
  assert(patience.isBarren && patience.isOver);
});
