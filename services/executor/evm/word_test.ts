import assert from "node:assert/strict";
import fc from "fast-check";
import {
  add,
  addmod,
  and,
  byteAt,
  byteSize,
  bytesOfWord,
  div,
  exp,
  loadWord,
  low160,
  low64,
  mod,
  mul,
  mulmod,
  not,
  or,
  sar,
  sdiv,
  shl,
  shr,
  signextend,
  slt,
  smod,
  sub,
  toWord,
  type Word,
  wordOfBytes,
  xor,
} from "./word.ts";

const MODULUS = 1n << 256n;
const unsigned = (value: bigint) => ((value % MODULUS) + MODULUS) % MODULUS;
const signed = (value: bigint) => value >> 255n === 1n ? value - MODULUS : value;
const min = (a: bigint, b: bigint) => a < b ? a : b;

/** Slow definitions on plain integers. */
const REFERENCE: Record<string, [(a: Word, b: Word) => Word, (a: bigint, b: bigint) => bigint]> = {
  add: [add, (a, b) => a + b],
  sub: [sub, (a, b) => a - b],
  mul: [mul, (a, b) => a * b],
  div: [div, (a, b) => b === 0n ? 0n : a / b],
  mod: [mod, (a, b) => b === 0n ? 0n : a % b],
  sdiv: [sdiv, (a, b) => b === 0n ? 0n : signed(a) / signed(b)],
  smod: [smod, (a, b) => b === 0n ? 0n : signed(a) % signed(b)],
  and: [and, (a, b) => a & b],
  or: [or, (a, b) => a | b],
  xor: [xor, (a, b) => a ^ b],
  slt: [(a, b) => slt(a, b) ? 1 : 0, (a, b) => signed(a) < signed(b) ? 1n : 0n],
  byteAt: [byteAt, (a, b) => a > 31n ? 0n : (b >> (8n * (31n - a))) & 0xffn],
  shl: [shl, (a, b) => a > 255n ? 0n : b << a],
  shr: [shr, (a, b) => a > 255n ? 0n : b >> a],
  sar: [sar, (a, b) => signed(b) >> min(a, 256n)],
  signextend: [signextend, (a, b) => a > 31n ? b : BigInt.asIntN(8 * (Number(a) + 1), b)],
  not: [not, (a) => MODULUS - 1n - a],
  low64: [low64, (a) => a % (1n << 64n)],
  low160: [low160, (a) => a % (1n << 160n)],
};

/** Values on both sides of every border of the representation, and random ones of every size. */
const BORDERS = [0n, 31n, 32n, 53n, 64n, 128n, 160n, 255n, 256n].flatMap((bits) =>
  [-2n, -1n, 0n, 1n, 2n].map((step) => unsigned((1n << bits) + step))
).concat([0n, 1n, 2n, 30n, 31n, 32n, 52n, 53n, 255n, 256n, 257n]);
const VALUE = fc.oneof(
  fc.constantFrom(...BORDERS),
  fc.tuple(fc.bigInt(0n, MODULUS - 1n), fc.integer({ min: 0, max: 255 }))
    .map(([value, shift]) => value >> BigInt(shift)),
);

for (const [name, [operation, reference]] of Object.entries(REFERENCE)) {
  Deno.test(`${name}() agrees with integers and keeps one representation`, () => {
    fc.assert(
      fc.property(VALUE, VALUE, (a, b) => {
        const expected = toWord(unsigned(reference(a, b)));
        assert.equal(operation(toWord(a), toWord(b)), expected);
      }),
      { numRuns: 1500 },
    );
  });
}

Deno.test("div() is exact for quotients next to an integer", () => {
  for (let i = 1; i < 2000; i++) {
    const divisor = i * 7 + 1;
    const product = Math.floor((2 ** 53 - 1) / divisor) * divisor;
    for (const value of [product - 1, product, product + 1]) {
      assert.equal(div(value, divisor), Number(BigInt(value) / BigInt(divisor)));
    }
  }
});

Deno.test("addmod(), mulmod() and exp() agree with integers", () => {
  fc.assert(
    fc.property(VALUE, VALUE, VALUE, (a, b, c) => {
      const [x, y, z] = [toWord(a), toWord(b), toWord(c)];
      assert.equal(addmod(x, y, z), c === 0n ? 0 : toWord((a + b) % c));
      assert.equal(mulmod(x, y, z), c === 0n ? 0 : toWord((a * b) % c));
      let power = 1n;
      for (let bit = 256n; bit >= 0n; bit--) {
        power = unsigned(power * power);
        if ((b >> bit) & 1n) power = unsigned(power * a);
      }
      assert.equal(exp(x, y), toWord(power));
    }),
    { numRuns: 600 },
  );
});

Deno.test("words and their bytes convert both ways", () => {
  fc.assert(fc.property(VALUE, fc.integer({ min: 0, max: 40 }), (value, offset) => {
    const word = toWord(value);
    const bytes = bytesOfWord(word, 32);
    assert.equal(wordOfBytes(bytes), word);
    assert.equal(
      BigInt(byteSize(word)),
      BigInt((value.toString(2).length + 7) >> 3) * (value ? 1n : 0n),
    );
    assert.equal(loadWord(bytes, offset), toWord(unsigned(value << BigInt(8 * offset))));
    assert.equal(
      loadWord(bytes.subarray(0, 20), offset),
      toWord(unsigned((value >> 96n << 96n) << BigInt(8 * offset))),
    );
  }));
  assert.equal(loadWord(new Uint8Array(40).fill(1), 1n << 200n), 0);
});
