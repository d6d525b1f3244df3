import assert from "node:assert/strict";
import { entryOf, EntryType } from "./messages.ts";
import { RaftLog } from "./raft_log.ts";

function entriesOf(...places: readonly (readonly [term: bigint, index: bigint])[]) {
  return places.map(([term, index]) => ({
    ...entryOf(EntryType.ENTRY_NORMAL, new Uint8Array(0)),
    term,
    index,
  }));
}

function logOf(...places: readonly (readonly [bigint, bigint])[]): RaftLog {
  return new RaftLog({ index: 0n, term: 0n }, entriesOf(...places), 0n);
}

function placesOf(log: RaftLog): (readonly [bigint, bigint])[] {
  return log.slice(log.firstIndex, log.lastIndex).map(({ term, index }) => [term, index] as const);
}

Deno.test("RaftLog.merge() replaces from the first entry that differs", () => {
  const log = logOf([1n, 1n], [1n, 2n], [1n, 3n]);
  assert(log.merge(entriesOf([1n, 2n], [2n, 3n], [2n, 4n])));
  assert.deepEqual(placesOf(log), [[1n, 1n], [1n, 2n], [2n, 3n], [2n, 4n]]);
  assert.equal(log.stable, 2n);
  assert.deepEqual(log.unstable(), entriesOf([2n, 3n], [2n, 4n]));
});

Deno.test("RaftLog.merge() of an overtaken append does not shorten the log", () => {
  const log = logOf([1n, 1n], [1n, 2n], [1n, 3n]);
  assert(log.merge(entriesOf([1n, 1n], [1n, 2n])));
  assert.equal(log.lastIndex, 3n);
});

Deno.test("RaftLog.merge() does not undo what is committed", () => {
  const log = logOf([1n, 1n], [1n, 2n]);
  log.commitTo(2n);
  assert(!log.merge(entriesOf([2n, 2n])));
  assert.deepEqual(placesOf(log), [[1n, 1n], [1n, 2n]]);
});

Deno.test("RaftLog.stableTo() ignores a write that was replaced meanwhile", () => {
  const log = logOf([1n, 1n]);
  log.append(entriesOf([1n, 2n]));
  log.merge(entriesOf([2n, 2n]));
  assert(!log.stableTo({ term: 1n, index: 2n }));
  assert.equal(log.stable, 1n);
  assert(log.stableTo({ term: 2n, index: 2n }));
  assert.equal(log.stable, 2n);
});

Deno.test("RaftLog.isUpToDate() prefers the later term, then the longer log", () => {
  const log = logOf([1n, 1n], [2n, 2n]);
  assert(log.isUpToDate({ term: 3n, index: 1n }));
  assert(log.isUpToDate({ term: 2n, index: 2n }));
  assert(!log.isUpToDate({ term: 2n, index: 1n }));
  assert(!log.isUpToDate({ term: 1n, index: 9n }));
});

Deno.test("RaftLog.lastAgreement() skips terms that the other log cannot have", () => {
  const log = logOf([1n, 1n], [1n, 2n], [3n, 3n], [3n, 4n]);
  assert.deepEqual(log.lastAgreement(9n, 2n), { index: 2n, term: 1n });
  assert.deepEqual(log.lastAgreement(3n, 3n), { index: 3n, term: 3n });
});

Deno.test("RaftLog.compact() keeps the place where the entries begin", () => {
  const log = logOf([1n, 1n], [1n, 2n], [2n, 3n]);
  log.commitTo(2n);
  log.compact(2n);
  assert.equal(log.firstIndex, 3n);
  assert.equal(log.termAt(2n), 1n);
  assert.equal(log.termAt(1n), null);
  assert.deepEqual(log.slice(1n, 3n), [], "part of it is gone");
  assert.throws(() => log.compact(3n), /committed/);
});

Deno.test("RaftLog refuses to start with less than was committed", () => {
  const start = { index: 5n, term: 5n };
  assert.throws(() => new RaftLog(start, [], 6n), /committed/);
  assert.throws(() => new RaftLog(start, entriesOf([6n, 7n]), 5n), /gap/);
});
