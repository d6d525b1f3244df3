import assert from "node:assert/strict";
import { blankState } from "../core/interface.ts";
import { termAt } from "../core/raft_log.ts";
import { encodeOperations, Kind, type Operation } from "./operation.ts";
import {
  appendOf,
  appliedOf,
  entry,
  hardStateOf,
  placesOf,
  snapshotRecord,
  votersOf,
} from "../testing/log_builders.ts";
import {
  applyOperations,
  compactOperations,
  configurationOf,
  lastIndexOf,
  RaftLogError,
  snapshotOf,
  SnapshotOutOfDateError,
} from "./state.ts";

const apply = (...operations: Operation[]) => applyOperations(blankState(), operations);

const FIVE = appendOf([1n, 1n], [1n, 2n], [1n, 3n], [1n, 4n], [2n, 5n]);

Deno.test("append replaces a suffix that conflicts", () => {
  const state = apply(
    appendOf([1n, 1n], [1n, 2n], [1n, 3n]),
    appendOf([2n, 2n], [2n, 3n], [2n, 4n]),
  );
  assert.equal(placesOf(state), "(1,1)(2,2)(2,3)(2,4)");
  assert.equal(placesOf(apply(FIVE, appendOf([3n, 3n]))), "(1,1)(1,2)(3,3)");
});

Deno.test("append refuses gaps and entries that are committed", () => {
  assert.throws(() => apply(FIVE, appendOf([2n, 7n])), /Entries 7 leave a gap.*ends at 5/);
  assert.throws(() => apply(FIVE, appendOf([2n, 6n], [2n, 8n])), /Entries 6, 8 leave a gap/);
  assert.throws(
    () => apply(FIVE, hardStateOf(2n, 0n, 3n), appendOf([3n, 3n])),
    /committed, up to 3/,
  );
  assert.throws(
    () => apply(snapshotRecord({ index: 5n, term: 5n }), appendOf([6n, 5n])),
    RaftLogError,
  );
  assert.throws(() => apply(appendOf([1n, 0n])), RaftLogError);
});

Deno.test("a snapshot at applied 3 of 5 entries keeps 4 and 5 and does not lower commit 5", () => {
  const state = apply(FIVE, hardStateOf(2n, 9n, 5n), appliedOf(3n));
  const { metadata } = snapshotOf(state);
  assert.equal(metadata?.index, 3n);
  assert.equal(metadata?.term, 1n);
  const compacted = apply(...compactOperations(state));
  assert.equal(placesOf(compacted), "(1,4)(2,5)");
  assert.deepEqual(compacted.hardState, { term: 2n, vote: 9n, commit: 5n });
  assert.equal(compacted.applied, 3n);
  assert.deepEqual(compacted.start, { index: 3n, term: 1n });
});

Deno.test("a snapshot that continues the log keeps what is behind it, any other replaces all", () => {
  const continued = apply(FIVE, snapshotRecord({ index: 4n, term: 1n }));
  assert.equal(placesOf(continued), "(2,5)");
  const replaced = apply(FIVE, snapshotRecord({ index: 4n, term: 2n }));
  assert.equal(placesOf(replaced), "");
  assert.equal(lastIndexOf(replaced), 4n);
  assert.equal(placesOf(apply(FIVE, snapshotRecord({ index: 9n, term: 2n }))), "");
});

Deno.test("a snapshot brings configuration, members, term, commit and applied index", () => {
  const configuration = { height: 8n, blockInterval: 3, validators: [Uint8Array.of(1)] };
  const record = snapshotRecord({ index: 9n, term: 5n }, votersOf(4n, 2n), configuration);
  const state = apply(hardStateOf(3n, 7n, 2n), record);
  assert.deepEqual(state.hardState, { term: 5n, vote: 0n, commit: 9n });
  assert.deepEqual(state.confState, votersOf(4n, 2n));
  assert.deepEqual(configurationOf(state), configuration);
  assert.equal(state.applied, 9n);
  const later = apply(hardStateOf(6n, 7n, 12n), record);
  assert.deepEqual(later.hardState, { term: 6n, vote: 7n, commit: 12n });
});

Deno.test("a term or index from 2^63 on is refused in every record", () => {
  const end = 1n << 63n;
  const records = [
    hardStateOf(end, 0n, 0n),
    hardStateOf(0n, 0n, end),
    appendOf([end, 1n]),
    appendOf([1n, end]),
    snapshotRecord({ index: end, term: 1n }),
    snapshotRecord({ index: 1n, term: end }),
  ];
  for (const record of records) assert.throws(() => apply(record), /9223372036854775808 is out of/);
  apply(hardStateOf(end - 1n, end, 0n), snapshotRecord({ index: end - 1n, term: end - 1n }));
});

Deno.test("a snapshot older than the last is refused", () => {
  const second = snapshotRecord({ index: 2n, term: 1n });
  assert.throws(
    () => apply(second, snapshotRecord({ index: 1n, term: 1n })),
    SnapshotOutOfDateError,
  );
  assert.equal(lastIndexOf(apply(second, second)), 2n);
});

Deno.test("a snapshot whose configuration is malformed is refused", () => {
  const data = Uint8Array.of(0xff);
  const metadata = { confState: votersOf(1n), index: 1n, term: 1n };
  const record: Operation = { kind: Kind.Snapshot, snapshot: { data, metadata } };
  assert.throws(() => apply(record), /configuration in the snapshot at index 1 is malformed/);
});

Deno.test("the applied index goes forward within the log, and what is applied is committed", () => {
  assert.throws(() => apply(FIVE, appliedOf(6n)), /Entry 6 cannot be applied after 0 of 5/);
  assert.throws(() => apply(FIVE, appliedOf(3n), appliedOf(2n)), RaftLogError);
  const state = apply(FIVE, hardStateOf(2n, 0n, 1n), appliedOf(3n), hardStateOf(3n, 1n, 2n));
  assert.deepEqual(state.hardState, { term: 3n, vote: 1n, commit: 3n });
});

Deno.test("entries applied long ago leave the memory, their last term stays known", () => {
  const many = Array.from({ length: 100 }, (_, i) => entry(BigInt(1 + (i >> 4)), BigInt(i + 1)));
  const state = apply({ kind: Kind.Append, entries: many }, appliedOf(90n));
  assert.equal(state.start.index, 58n);
  assert.equal(termAt(state, 58n), many[57]?.term);
  assert.equal(termAt(state, 57n), null);
  assert.equal(termAt(state, 100n), many[99]?.term);
  assert.equal(termAt(state, 101n), null);
  assert.equal(lastIndexOf(state), 100n);
  assert.equal(state.entries.length, 42);
});

Deno.test("the height alone can change, as after a block that the controller had already", () => {
  const configuration = { height: 7n, blockInterval: 3, validators: [] };
  const state = apply({ kind: Kind.Configuration, configuration }, {
    kind: Kind.BlockHeight,
    height: 8n,
  });
  assert.deepEqual(configurationOf(state), { ...configuration, height: 8n });
});

Deno.test("compactOperations() keeps a joint configuration, term, vote and configuration", () => {
  const confState = { ...votersOf(1n, 2n), votersOutgoing: [1n, 3n], autoLeave: true };
  const state = apply(
    FIVE,
    { kind: Kind.ConfState, confState },
    hardStateOf(4n, 3n, 5n),
    { kind: Kind.Configuration, configuration: { height: 3n, blockInterval: 1, validators: [] } },
    appliedOf(5n),
  );
  const compacted = apply(...compactOperations(state));
  assert.deepEqual(compacted, { ...state, start: { index: 5n, term: 2n }, entries: [] });
});

Deno.test("a new node begins with the records that the reference begins with", () => {
  // the first bytes of the recorded log
  const bytes = encodeOperations(compactOperations(blankState()));
  assert.deepEqual([...bytes], [3, 4, 0x12, 2, 0x0a, 0, 1, 0, 4, 0]);
});
