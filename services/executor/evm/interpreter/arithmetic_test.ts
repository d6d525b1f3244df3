/** Every instruction that computes, against integers, at all edges and at random. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { push, pushAll } from "../../testing/code.ts";
import { runCode, wordOf } from "../../testing/run_code.ts";
import { ANY_WORD, EDGES, wrapped } from "../../testing/words.ts";

const signed = (word: bigint) => BigInt.asIntN(256, word);
const bit = (isSet: boolean) => isSet ? 1n : 0n;

/** An instruction, and what it computes; the first argument is the top of the stack. */
type Rule<Args extends readonly bigint[]> = readonly [
  code: string,
  rule: (...args: Args) => bigint,
];

const ONE: readonly Rule<[bigint]>[] = [
  ["15", (a) => bit(a === 0n)],
  ["19", (a) => -1n - a],
];

const TWO: readonly Rule<[bigint, bigint]>[] = [
  ["01", (a, b) => a + b],
  ["02", (a, b) => a * b],
  ["03", (a, b) => a - b],
  ["04", (a, b) => b === 0n ? 0n : a / b],
  ["05", (a, b) => b === 0n ? 0n : signed(a) / signed(b)],
  ["06", (a, b) => b === 0n ? 0n : a % b],
  ["07", (a, b) => b === 0n ? 0n : signed(a) % signed(b)],
  ["0a", power],
  ["0b", (a, b) => a > 30n ? b : BigInt.asIntN(8 * Number(a) + 8, b)],
  ["10", (a, b) => bit(a < b)],
  ["11", (a, b) => bit(a > b)],
  ["12", (a, b) => bit(signed(a) < signed(b))],
  ["13", (a, b) => bit(signed(a) > signed(b))],
  ["14", (a, b) => bit(a === b)],
  ["16", (a, b) => a & b],
  ["17", (a, b) => a | b],
  ["18", (a, b) => a ^ b],
  ["1a", (a, b) => a > 31n ? 0n : b / 256n ** (31n - a) % 256n],
  ["1b", (a, b) => a > 255n ? 0n : b * 2n ** a],
  ["1c", (a, b) => a > 255n ? 0n : b / 2n ** a],
  ["1d", (a, b) => a > 255n ? -bit(signed(b) < 0n) : signed(b) >> a],
];

const THREE: readonly Rule<[bigint, bigint, bigint]>[] = [
  ["08", (a, b, c) => c === 0n ? 0n : (a + b) % c],
  ["09", (a, b, c) => c === 0n ? 0n : (a * b) % c],
];

/** Modulo 2^256, from the lowest bit of the exponent on. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base; exponent > 0n; exponent >>= 1n) {
    if (exponent % 2n === 1n) result = BigInt.asUintN(256, result * square);
    square = BigInt.asUintN(256, square * square);
  }
  return result;
}

/**
 * Checks instructions on the same arguments: each result as a word in memory, and that the machine
 * takes it for equal to the pushed one, which it is not in a second representation.
 */
function check<Args extends readonly bigint[]>(rules: readonly Rule<Args>[], ...args: Args): void {
  const operands = pushAll(...args.toReversed().map(wrapped));
  const expected = rules.map(([, rule]) => BigInt.asUintN(256, rule(...args)));
  const code = rules.map(([op], index) => {
    const result = push(wrapped(expected[index] ?? 0n));
    return `${operands}${op}80${push(64 * index)}52${result}14${push(64 * index + 32)}52`;
  });
  const { outcome } = runCode(code.join("") + pushAll(64 * rules.length, 0) + "f3");
  const output = outcome.kind === "success" ? toHex(outcome.output) : outcome.kind;
  for (const [index, [op]] of rules.entries()) {
    const word = (expected[index] ?? 0n).toString(16).padStart(64, "0");
    const got = output.slice(128 * index, 128 * index + 128);
    assert.equal(got, word + "1".padStart(64, "0"), `${op} of ${args.join(", ")}`);
  }
}

Deno.test("instructions of one and two words compute as integers do at every pair of edges", () => {
  for (const a of EDGES) {
    check(ONE, a);
    for (const b of EDGES) check(TWO, a, b);
  }
});

Deno.test("instructions of one, two and three words compute as integers do at random", () => {
  const words = fc.tuple(ANY_WORD, ANY_WORD, ANY_WORD);
  fc.assert(
    fc.property(words, ([a, b, c]) => {
      check(ONE, a);
      check(TWO, a, b);
      check(THREE, a, b, c);
      // operands that are close or share a factor
      check(TWO, a, BigInt.asUintN(256, a + 1n));
      check(TWO, BigInt.asUintN(256, a * b), b);
      check(THREE, a, b, BigInt.asUintN(256, a + b));
    }),
    { numRuns: 1500 },
  );
});

Deno.test("a result is the operand of the next instruction, whatever its size", () => {
  const rules = [...ONE.map(([op, rule]) => [op, (a: bigint) => rule(a)] as const), ...TWO];
  const step = fc.tuple(fc.constantFrom(...rules), ANY_WORD);
  fc.assert(
    fc.property(ANY_WORD, fc.array(step, { minLength: 2, maxLength: 30 }), (first, steps) => {
      let [value, code] = [first, push(wrapped(first))];
      for (const [[op, rule], operand] of steps) {
        const isUnary = rule.length === 1;
        code += isUnary ? op : `${push(wrapped(operand))}90${op}`;
        value = BigInt.asUintN(256, rule(value, operand));
      }
      assert.equal(wordOf(code, { gas: 10_000_000 }), wrapped(value));
    }),
    { numRuns: 500 },
  );
});

Deno.test("PUSH1 to PUSH32 push their bytes, also when the code ends within them", () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(bytes, (data) => {
      for (let size = 1; size <= 32; size++) {
        const hex = toHex(data.subarray(0, size));
        assert.equal(wordOf((0x5f + size).toString(16) + hex), wrapped(BigInt(`0x${hex}`)));
      }
    }),
    { numRuns: 30 },
  );
  // a contract whose code ends in a PUSH stops there
  for (let size = 1; size <= 32; size++) {
    const { outcome } = runCode((0x5f + size).toString(16) + "ff".repeat(size - 1));
    assert.equal(outcome.kind, "success");
  }
});

Deno.test("DUP1 to DUP16 and SWAP1 to SWAP16 reach their word and move no other", () => {
  const words = Array.from({ length: 18 }, (_, i) => (1n << BigInt(14 * i)) + BigInt(i));
  for (let n = 1; n <= 16; n++) {
    const dup = [...words, words[words.length - n] ?? 0n];
    assertStack(pushAll(...words.map(wrapped)) + (0x7f + n).toString(16), dup);
    const swapped = [...words];
    const [top, other] = [words.length - 1, words.length - 1 - n];
    [swapped[top], swapped[other]] = [words[other] ?? 0n, words[top] ?? 0n];
    assertStack(pushAll(...words.map(wrapped)) + (0x8f + n).toString(16), swapped);
  }
});

/** Runs code and compares all the words that it leaves, the last one on top. */
function assertStack(code: string, words: readonly bigint[]): void {
  const stores = words.map((_, index) => `${push(32 * index)}52`).join("");
  const { outcome } = runCode(code + stores + pushAll(32 * words.length, 0) + "f3");
  assert(outcome.kind === "success");
  const text = words.toReversed().map((word) => word.toString(16).padStart(64, "0")).join("");
  assert.equal(toHex(outcome.output), text);
}

/** Offsets within, at the end of and far behind some data. */
const OFFSET = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 100 }).map(BigInt) },
  { weight: 1, arbitrary: ANY_WORD },
);

/** What lies in an endless row of zeros behind some bytes. */
function slice(source: Uint8Array, from: bigint, size: number): string {
  const part = from > BigInt(source.length)
    ? new Uint8Array()
    : source.slice(Number(from), Number(from) + size);
  return toHex(part).padEnd(2 * size, "0");
}

const SOURCE = fc.uint8Array({ minLength: 0, maxLength: 80 });

Deno.test("CALLDATALOAD, CALLDATACOPY and CODECOPY read zeros behind the end", () => {
  fc.assert(
    fc.property(
      SOURCE,
      OFFSET,
      fc.nat({ max: 120 }),
      fc.nat({ max: 70 }),
      (data, from, size, to) => {
        const input = toHex(data);
        const loaded = wordOf(push(wrapped(from)) + "35", { input });
        assert.equal(loaded, wrapped(BigInt(`0x${slice(data, from, 32)}`)));
        const copy = (op: string) =>
          pushAll(size, wrapped(from), to) + op + pushAll(size, to) + "f3";
        const copied = runCode(copy("37"), { input }).outcome;
        assert(copied.kind === "success");
        assert.equal(toHex(copied.output), slice(data, from, size));
        const code = copy("39") + "00" + input;
        const read = runCode(code).outcome;
        assert(read.kind === "success");
        assert.equal(toHex(read.output), slice(fromHex(code), from, size));
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("EXTCODECOPY reads zeros behind the end, RETURNDATACOPY fails there", () => {
  fc.assert(
    fc.property(
      SOURCE,
      OFFSET,
      fc.nat({ max: 120 }),
      fc.nat({ max: 70 }),
      (data, from, size, to) => {
        const codes = { 0x07e5: toHex(data) };
        const copy = pushAll(size, wrapped(from), to, 0x07e5) + "3c" + pushAll(size, to) + "f3";
        const copied = runCode(copy, { codes }).outcome;
        assert(copied.kind === "success");
        assert.equal(toHex(copied.output), slice(data, from, size));
        // the identity contract returns what it is given
        const returned = `${pushAll(data.length, 0, 0)}37${
          pushAll(0, 0, data.length, 0, 4, 9999)
        }fa`;
        const take = pushAll(size, wrapped(from), to) + "3e" + pushAll(size, to) + "f3";
        const { outcome } = runCode(returned + take, { input: toHex(data) });
        const isInside = from + BigInt(size) <= BigInt(data.length);
        assert.equal(outcome.kind, isInside ? "success" : "failure");
        if (outcome.kind === "success") {
          assert.equal(
            toHex(outcome.output),
            slice(data, from, size),
          );
        }
      },
    ),
    { numRuns: 400 },
  );
});

Deno.test("MSTORE, MSTORE8 and MLOAD at any offset act on one row of bytes, grown in words", () => {
  const write = fc.tuple(fc.constantFrom("52", "53"), fc.nat({ max: 300 }), ANY_WORD);
  fc.assert(
    fc.property(
      fc.array(write, { minLength: 1, maxLength: 20 }),
      fc.nat({ max: 300 }),
      (writes, at) => {
        const memory = new Uint8Array(1024);
        let [code, end] = ["", 0];
        for (const [op, offset, word] of writes) {
          code += pushAll(wrapped(word), offset) + op;
          const bytes = fromHex(word.toString(16).padStart(64, "0"));
          memory.set(op === "52" ? bytes : bytes.subarray(31), offset);
          end = Math.max(end, offset + (op === "52" ? 32 : 1));
        }
        assert.equal(wordOf(code + "59"), 32 * Math.ceil(end / 32));
        assert.equal(
          wordOf(code + push(at) + "51"),
          wrapped(BigInt(`0x${slice(memory, BigInt(at), 32)}`)),
        );
        const { outcome } = runCode(code + pushAll(400, 0) + "f3");
        assert(outcome.kind === "success");
        assert.equal(toHex(outcome.output), slice(memory, 0n, 400));
      },
    ),
    { numRuns: 300 },
  );
});
