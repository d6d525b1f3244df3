import assert from "node:assert/strict";
import { ConsensusConfiguration } from "../../../../proto/gen/common.ts";
import { concatBytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { appendOf, appliedOf, hardStateOf, snapshotRecord } from "../testing/log_builders.ts";
import { peerIdOf } from "../peer_id.ts";
import { readLog } from "./batch.ts";
import { encodeOperations, Kind, type Operation } from "./operation.ts";
import { blankState } from "../core/interface.ts";
import { applyOperations, configurationOf, lastIndexOf } from "./state.ts";

const RECORDED = new URL(
  "../../../../tests/vectors/consensus_raft/raft-wal-log.active",
  import.meta.url,
);

Deno.test("readLog() reads the recorded log, which encodes to the same bytes", () => {
  const bytes = Deno.readFileSync(RECORDED);
  const { operations, goodSize } = readLog(bytes);
  assert.equal(operations.length, 215);
  assert.equal(goodSize, bytes.length);
  assert.equal(toHex(encodeOperations(operations)), toHex(bytes));
});

Deno.test("applyOperations() replays the recorded log", () => {
  const { operations } = readLog(Deno.readFileSync(RECORDED));
  const state = applyOperations(blankState(), operations);
  assert.deepEqual(state.hardState, { term: 7n, vote: 0n, commit: 58n });
  assert.equal(state.applied, 58n);
  assert.equal(lastIndexOf(state), 58n);
  assert.equal(configurationOf(state).height, 51n);
  assert.equal(configurationOf(state).blockInterval, 3);
  assert.deepEqual(state.confState.voters, configurationOf(state).validators.map(peerIdOf));
});

Deno.test("encodeOperations() writes the layout of spec/consensus.md, section 12.1", () => {
  const vectors: [Operation, string][] = [
    [hardStateOf(6n, 1n, 5n), "0106080610011805"],
    [appendOf(), "0400"],
    [appendOf([1n, 1n], [1n, 2n]), "0402041001180104100118" + "02"],
    [appliedOf(7n), "050000000000000007"],
    [{ kind: Kind.BlockHeight, height: 258n }, "060000000000000102"],
    [
      { kind: Kind.ConfState, confState: { ...blankState().confState, voters: [3n] } },
      "02030a0103",
    ],
    [snapshotRecord({ index: 5n, term: 5n }), "030b1209" + "0a030a0101" + "1005" + "1805"],
    [{ kind: Kind.Configuration, configuration: ConsensusConfiguration.fromPartial({}) }, "0700"],
  ];
  for (const [operation, hex] of vectors) {
    assert.equal(toHex(encodeOperations([operation])), hex);
    assert.deepEqual(readLog(fromHex(hex)).operations, [operation]);
  }
});

Deno.test("readLog() stops where a record is cut off, at whatever byte", () => {
  const whole = encodeOperations([hardStateOf(6n, 1n, 5n)]);
  for (
    const last of [
      appendOf([6n, 6n], [6n, 7n]),
      appliedOf(5n),
      snapshotRecord({ index: 9n, term: 7n }),
    ]
  ) {
    const bytes = encodeOperations([last]);
    for (let size = 0; size < bytes.length; size++) {
      const { operations, goodSize } = readLog(concatBytes(whole, bytes.subarray(0, size)));
      assert.equal(operations.length, 1, `${size} bytes`);
      assert.equal(goodSize, whole.length);
    }
  }
});

Deno.test("readLog() stops at what is no record", () => {
  const whole = encodeOperations([appliedOf(0n)]);
  const wrong: Record<string, string> = {
    "an unknown kind": "ff",
    "space that was never filled": "00".repeat(40),
    "a hard state that was never filled": "0106000000000000",
    "a length beyond every file": "01ffffffffffffffffff01",
    "a count beyond every file": "04ffffffff0f0410011801",
    "a message that is none": "0102ffff",
    "a message with a field beyond its end": "01020880808001",
  };
  for (const [what, hex] of Object.entries(wrong)) {
    const { operations, goodSize } = readLog(concatBytes(whole, fromHex(hex)));
    assert.equal(operations.length, 1, what);
    assert.equal(goodSize, whole.length, what);
  }
});
