import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../../../shared/bytes/mod.ts";
import { push, pushAll, RETURN_WORD } from "../../testing/code.ts";
import {
  CALLER,
  errorOf,
  gasOf,
  natives,
  OTHER,
  type RunOptions,
  SELF,
  wordOf,
} from "../../testing/run_code.ts";
import { VmError } from "./errors.ts";
import { toWord, type Word, wordOfBytes } from "../word.ts";

const WORD = fc.oneof(
  fc.integer({ min: 0, max: 300 }).map((value): Word => value),
  fc.tuple(fc.bigInt(0n, (1n << 256n) - 1n), fc.integer({ min: 0, max: 255 }))
    .map(([value, shift]) => toWord(value >> BigInt(shift))),
);
const unsigned = (value: bigint) => toWord(BigInt.asUintN(256, value));

Deno.test("Machine keeps any word through MSTORE, MLOAD, SSTORE, SLOAD, CALLDATALOAD, DUP and SWAP", () => {
  fc.assert(
    fc.property(WORD, fc.integer({ min: 0, max: 70 }), (word, offset) => {
      const hex = BigInt(word).toString(16).padStart(64, "0");
      assert.equal(wordOf(`${push(word)}${push(offset)}52${push(offset)}51`), word);
      assert.equal(wordOf(`${push(word)}${push(word)}55${push(word)}54`), word);
      assert.equal(wordOf(push(offset) + "35", { input: "11".repeat(offset) + hex }), word);
      assert.equal(wordOf(`7f${hex}`), word);
      assert.equal(wordOf(push(word) + pushAll(...Array(15).fill(3)) + "8f"), word);
      assert.equal(wordOf(push(word) + pushAll(...Array(16).fill(3)) + "9f"), word);
      const half = offset % 32;
      assert.equal(
        wordOf(`${push(word)}600052${push(half)}51`),
        unsigned(BigInt(word) << BigInt(8 * half)),
      );
    }),
    { numRuns: 200 },
  );
});

/** Gas of instructions without further conditions, by the table of section 7.1. */
const GAS_TABLE: readonly [number, string][] = [
  [0, "00"],
  [1, "5b"],
  [2, "30 32 33 34 36 38 3a 3d 41 42 43 44 45 50 58 59 5a"],
  [3, "01 03 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 35"],
  [5, "02 04 05 06 07 0b 46"],
  [8, "08 09"],
  [10, "47"],
  [20, "31 3b 40"],
  [50, "54"],
  [400, "3f"],
];

Deno.test("Machine charges the gas of the table, and 3 for PUSH, DUP and SWAP", () => {
  const filler = pushAll(1, 1, 1);
  const base = gasOf(filler);
  assert.equal(base, 9);
  for (const [gas, codes] of GAS_TABLE) {
    for (const code of codes.split(" ")) assert.equal(gasOf(filler + code) - base, gas, code);
  }
  for (let n = 1; n <= 32; n++) {
    assert.equal(gasOf((0x5f + n).toString(16) + "00".repeat(n)), 3);
  }
  const deep = pushAll(...Array(17).fill(1));
  for (let n = 0; n < 32; n++) assert.equal(gasOf(deep + (0x80 + n).toString(16)), 54);
});

Deno.test("Machine charges what depends on the arguments", () => {
  const cases: readonly [string, string, number][] = [
    ["EXP by 0", pushAll(0, 2) + "0a", 6 + 10],
    ["EXP by 255", pushAll(255, 2) + "0a", 6 + 20],
    ["EXP by 256", pushAll(256, 2) + "0a", 6 + 30],
    ["SHA3 of nothing", pushAll(0, 0) + "20", 6 + 30],
    ["SHA3 of 33 bytes", pushAll(33, 0) + "20", 6 + 30 + 12 + 6],
    ["MSTORE at 0", pushAll(1, 0) + "52", 6 + 3 + 3],
    ["MSTORE at 1", pushAll(1, 1) + "52", 6 + 3 + 6],
    ["MSTORE8 at 992", pushAll(1, 992) + "53", 6 + 3 + 98],
    ["CALLDATACOPY", pushAll(33, 0, 0) + "37", 9 + 3 + 6 + 6],
    ["CODECOPY", pushAll(1, 0, 0) + "39", 9 + 3 + 3 + 3],
    ["EXTCODECOPY", pushAll(32, 0, 0, 5) + "3c", 12 + 20 + 3 + 3],
    ["RETURNDATACOPY of nothing", pushAll(0, 0, 0) + "3e", 9 + 3],
    ["LOG0", pushAll(2, 0) + "a0", 6 + 375 + 16 + 3],
    ["LOG4", pushAll(1, 2, 3, 4, 0, 0) + "a4", 18 + 375 * 5],
    ["SSTORE of a first word", pushAll(1, 0) + "55", 6 + 20000],
    ["SSTORE of zero over zero", pushAll(0, 0) + "55", 6 + 5000],
    ["SSTORE of the same", (pushAll(1, 0) + "55").repeat(2), 12 + 25000],
    ["SSTORE of zero over a word", pushAll(1, 0) + "55" + pushAll(0, 0) + "55", 12 + 25000],
    ["JUMP", "6003565b", 3 + 8 + 1],
    ["JUMPI taken", "60016005575b", 6 + 10 + 1],
    ["JUMPI not taken", "6000600557", 6 + 10],
    ["CREATE of nothing", pushAll(0, 0, 0) + "f0", 9 + 32000],
    ["CREATE2 of nothing", pushAll(0, 0, 0, 0) + "f5", 12 + 32000],
    ["CALL of nobody", pushAll(0, 0, 0, 0, 0, 0x999, 5) + "f1", 21 + 40 + 25000],
    ["CALL of itself without gas", pushAll(0, 0, 0, 0, 0, SELF, 0) + "f1", 21 + 40],
    ["CALLCODE of nobody", pushAll(0, 0, 0, 0, 0, 0x999, 5) + "f2", 21 + 40],
    [
      "CALLCODE with a value it lacks",
      pushAll(0, 0, 0, 0, 1, 0x999, 5) + "f2",
      21 + 40 + 9000 - 2300,
    ],
    ["DELEGATECALL of nobody", pushAll(0, 0, 0, 0, 0x999, 5) + "f4", 18 + 40],
    ["STATICCALL of nobody", pushAll(0, 0, 0, 0, 0x999, 5) + "fa", 18 + 40],
    ["CALL of identity", pushAll(0, 0, 33, 0, 0, 4, 99) + "f1", 21 + 40 + 25000 + 6 + 15 + 6],
    ["CALL with input and output", pushAll(64, 0, 32, 0, 0, SELF, 0) + "f1", 21 + 40 + 6],
    ["SELFDESTRUCT", "6000ff", 3],
    ["RETURN", pushAll(32, 32) + "f3", 6 + 6],
  ];
  for (const [name, code, gas] of cases) assert.equal(gasOf(code), gas, name);
});

Deno.test("Machine reports the first error in the order of its checks", () => {
  const full = pushAll(...Array(1024).fill(1));
  const inStatic = (code: string) => ({
    codes: { [OTHER]: code },
  });
  const staticCall = pushAll(0, 0, 0, 0, OTHER, 90_000) + "fa" + RETURN_WORD;
  const cases: readonly [string, string, VmError | null, RunOptions?][] = [
    ["an undefined instruction on an empty stack", "0c", VmError.BadInstruction],
    ["the designated invalid instruction", "fe", VmError.BadInstruction],
    ["BASEFEE", "48", VmError.BadInstruction],
    ["PUSH0", "5f", VmError.BadInstruction],
    ["an instruction without its words", "01", VmError.StackUnderflow],
    ["that, also without gas", "01", VmError.StackUnderflow, { gas: 0 }],
    ["a word too many", full + "6001", VmError.OutOfStack],
    ["DUP on a full stack", full + "80", VmError.OutOfStack],
    ["SWAP on a full stack", full + "90", null],
    ["no gas", "6001", VmError.OutOfQuota, { gas: 2 }],
    ["the end of the code without gas", "", null, { gas: 0 }],
    ["a jump to no destination", "600056", VmError.BadJumpDestination],
    ["a jump behind the code", "600456", VmError.BadJumpDestination],
    ["a jump to 2^64", push(1n << 64n) + "56", VmError.BadJumpDestination],
    ["a jump that is not taken", "6000600057", null],
    ["a jump into the data of a PUSH", "600456605b00", null],
    ["RETURNDATACOPY of more than there is", pushAll(1, 0, 0) + "3e", VmError.OutOfBounds],
    ["RETURNDATACOPY of nothing behind the end", pushAll(0, 1, 0) + "3e", VmError.OutOfBounds],
    ["RETURNDATACOPY from far", pushAll(0, 1n << 255n, 0) + "3e", VmError.OutOfBounds],
    ["RETURNDATACOPY without gas", pushAll(1, 0, 0) + "3e", VmError.OutOfQuota, { gas: 12 }],
    ["memory above 2^30", pushAll(1, 2 ** 30 - 31) + "52", VmError.OutOfQuota, {
      gas: 2n ** 64n - 1n,
    }],
    ["memory at 2^256 - 1", push(2n ** 256n - 1n) + "51", VmError.OutOfQuota, {
      gas: 2n ** 64n - 1n,
    }],
    ["a huge size", pushAll(1n << 200n, 0) + "20", VmError.OutOfQuota, { gas: 2n ** 64n - 1n }],
    ["nothing copied to far away", pushAll(0, 0, 1n << 255n) + "37", null],
    ["nothing copied from far away", pushAll(0, 1n << 255n, 0) + "39", null],
    ["nothing copied by EXTCODECOPY", pushAll(0, 0, 1n << 64n, 1) + "3c", null],
    ["nothing copied by RETURNDATACOPY", pushAll(0, 0, 1n << 64n) + "3e", null],
  ];
  for (const [name, code, error, options] of cases) {
    assert.equal(errorOf(code, options), error, name);
  }
  const logs = [0, 1, 2, 3, 4].map((topics) => `${"6000".repeat(topics + 2)}a${topics}`);
  const creations = [`${pushAll(0, 0, 0)}f0`, `${pushAll(0, 0, 0, 0)}f5`];
  for (const op of ["6001600055", "6000600055", ...logs, ...creations, "6000ff"]) {
    assert.equal(wordOf(staticCall.slice(0, -16), inStatic(op)), 0, op);
  }
  // a call with a value is refused in a read-only frame, and the frame fails
  const withValue = pushAll(0, 0, 0, 0, 1, 0x99, 0) + "f1";
  assert.equal(wordOf(staticCall.slice(0, -16), inStatic(withValue)), 0);
  const withoutValue = pushAll(0, 0, 0, 0, 0, SELF, 0) + "f1";
  assert.equal(wordOf(staticCall.slice(0, -16), inStatic(withoutValue)), 1);
});

Deno.test("Machine answers EXTCODEHASH by whether the account exists", () => {
  const empty = 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470n;
  assert.equal(wordOf(push(0x999) + "3f"), 0);
  assert.equal(wordOf(push(OTHER) + "3f", { codes: { [OTHER]: "" } }), empty);
  const hash = wordOfBytes(natives.keccak(fromHex("5b")));
  assert.equal(wordOf(push(OTHER) + "3f", { codes: { [OTHER]: "5b" } }), hash);
  assert.equal(
    wordOf(push((1n << 200n) + BigInt(OTHER)) + "3f", { codes: { [OTHER]: "5b" } }),
    hash,
  );
});

Deno.test("Machine shows the block and the transaction", () => {
  assert.equal(wordOf("46"), 1);
  assert.equal(wordOf("45"), 2n ** 64n - 1n);
  assert.equal(wordOf("44"), 0);
  assert.equal(wordOf("43"), 7);
  assert.equal(wordOf("42"), 1_600_000_000_000);
  assert.equal(wordOf("41"), 0xcc);
  assert.equal(wordOf("3a"), 1);
  assert.equal(wordOf("32"), Number(CALLER));
});
