import assert from "node:assert/strict";
import fc from "fast-check";
import { SM2_CURVE, SM2_SCALARS, Sm2Point } from "../curve.ts";
import { SM2_MODULE } from "./module.ts";

/** What assembly/sm2.ts exports for these tests; numbers are addresses unless said otherwise. */
interface Parts {
  readonly memory: WebAssembly.Memory;
  readonly CHUNK: WebAssembly.Global;
  readonly SUM: WebAssembly.Global;
  multiply(out: number, a: number, b: number): void;
  square(out: number, a: number): void;
  invert(out: number, a: number): void;
  normalise(a: number): void;
  isZero(a: number): number;
  addScalars(out: number, a: number, b: number): void;
  subtractScalars(out: number, a: number, b: number): void;
  toElement(out: number, a: number): void;
  recode(digits: number, scalar: number, width: number): void;
  clearSum(): void;
  isAtInfinity(): number;
  doubleSum(): void;
  addAffine(point: number, isNegative: number): void;
  addCached(point: number, isNegative: number): void;
  cacheSum(out: number): void;
  buildTable(table: number, point: number, width: number): void;
}

const { instance } = await WebAssembly.instantiate(SM2_MODULE);
// that it is so is the compiler's matter
const parts = instance.exports as unknown as Parts;
const view = new DataView(parts.memory.buffer);

/** Four places for operands, and one for tables, in memory that nothing else uses meanwhile. */
const [A, B, OUT, DIGITS, TABLE] = [0, 40, 80, 120, 1000].map((offset) =>
  Number(parts.CHUNK.value) + offset
) as [number, number, number, number, number];
const SUM = Number(parts.SUM.value);

const { p: PRIME, n: ORDER } = SM2_CURVE;
const FIELD = Sm2Point.Fp;
const LIMBS = 9;
const ELEMENT = 4 * LIMBS;
const R = 2n ** 261n;

type Point = InstanceType<typeof Sm2Point>;

function writeLimbs(address: number, limbs: readonly number[]): void {
  limbs.forEach((limb, i) => view.setInt32(address + 4 * i, limb, true));
}

function readLimbs(address: number): number[] {
  return Array.from({ length: LIMBS }, (_, i) => view.getInt32(address + 4 * i, true));
}

/** The number in the limbs, in Montgomery form or not. */
function valueOf(limbs: readonly number[]): bigint {
  return limbs.reduceRight((sum, limb) => (sum << 29n) + BigInt(limb), 0n);
}

/** Whole limbs of a number of either sign. */
function limbsOf(value: bigint): number[] {
  return Array.from({ length: LIMBS }, (_, i) => {
    const rest = value >> BigInt(29 * i);
    return Number(i === LIMBS - 1 ? rest : rest & (2n ** 29n - 1n));
  });
}

function writeElement(address: number, value: bigint): void {
  writeLimbs(address, limbsOf(FIELD.create(value * R)));
}

function readElement(address: number): bigint {
  return FIELD.div(FIELD.create(valueOf(readLimbs(address))), FIELD.create(R));
}

function writeNumber(address: number, value: bigint): void {
  for (let i = 0; i < 9; i++) {
    view.setUint32(address + 4 * i, Number((value >> BigInt(32 * i)) & 0xffffffffn), true);
  }
}

function readNumber(address: number): bigint {
  return Array.from({ length: 8 }, (_, i) => BigInt(view.getUint32(address + 4 * i, true)))
    .reduceRight((sum, word) => (sum << 32n) + word, 0n);
}

function writePoint(address: number, point: Point): void {
  const { x, y } = point.toAffine();
  writeElement(address, x);
  writeElement(address + ELEMENT, y);
}

function readPoint(address: number): Point {
  return Sm2Point.fromAffine({ x: readElement(address), y: readElement(address + ELEMENT) });
}

function readSum(): Point {
  if (parts.isAtInfinity() === 1) return Sm2Point.ZERO;
  const [x, y, z] = [0, 1, 2].map((i) => readElement(SUM + i * ELEMENT)) as [
    bigint,
    bigint,
    bigint,
  ];
  const inverse = FIELD.inv(z);
  const squared = FIELD.sqr(inverse);
  return Sm2Point.fromAffine({
    x: FIELD.mul(x, squared),
    y: FIELD.mul(FIELD.mul(y, squared), inverse),
  });
}

/** Limbs as sums and differences of results have them, at their limits more often than not. */
const operands = fc.tuple(
  ...Array.from({ length: 8 }, () =>
    fc.oneof(
      fc.integer({ min: -(2 ** 29), max: 2 ** 29 - 1 }),
      fc.constantFrom(-(2 ** 29), 2 ** 29 - 1, 0),
    )),
  fc.integer({ min: -(2 ** 26), max: 2 ** 26 }),
);
const scalars = fc.oneof(
  fc.bigInt({ min: 0n, max: ORDER - 1n }),
  fc.bigInt({ min: 0n, max: 255n }).map((bit) => (1n << bit) % ORDER),
  fc.bigInt({ min: 1n, max: 255n }).map((bit) => ((1n << bit) - 1n) % ORDER),
  fc.constantFrom(0n, 1n, ORDER - 1n, ORDER / 2n, ORDER / 2n + 1n),
);
const points = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((k) => Sm2Point.BASE.multiplyUnsafe(k));

/** A result: whole limbs, congruent to the product divided by R, and as small as promised. */
function assertProduct(limbs: readonly number[], product: bigint): void {
  for (const limb of limbs.slice(0, 8)) assert(limb >= 0 && limb < 2 ** 29);
  const value = valueOf(limbs);
  assert.equal(FIELD.create(value * R), FIELD.create(product));
  assert(value * R >= product && value * R < product + R * PRIME);
}

Deno.test("multiply() and square() agree with BigInt for limbs at their limits", () => {
  fc.assert(
    fc.property(operands, operands, (a, b) => {
      writeLimbs(A, a);
      writeLimbs(B, b);
      parts.multiply(OUT, A, B);
      assertProduct(readLimbs(OUT), valueOf(a) * valueOf(b));
      parts.square(OUT, A);
      assertProduct(readLimbs(OUT), valueOf(a) ** 2n);
      parts.multiply(A, A, B); // in place
      assertProduct(readLimbs(A), valueOf(a) * valueOf(b));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("invert() gives what makes the product 1", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: PRIME - 1n }), (value) => {
      writeElement(A, value);
      parts.invert(OUT, A);
      assert.equal(readElement(OUT), FIELD.inv(value));
    }),
    { numRuns: 100 },
  );
});

Deno.test("isZero() knows the multiples of p up to five, and nothing else", () => {
  for (let multiple = -5n; multiple <= 5n; multiple++) {
    for (const offset of [-1n, 0n, 1n, 2n ** 29n, -(2n ** 29n), 2n ** 255n]) {
      writeLimbs(A, limbsOf(multiple * PRIME + offset));
      assert.equal(parts.isZero(A), offset === 0n ? 1 : 0, `${multiple}p + ${offset}`);
    }
  }
});

Deno.test("normalise() takes multiples of p off", () => {
  const values = fc.bigInt({ min: -100n * PRIME, max: 100n * PRIME });
  fc.assert(fc.property(values, (value) => {
    writeLimbs(A, limbsOf(value));
    parts.normalise(A);
    const normal = valueOf(readLimbs(A));
    assert.equal(FIELD.create(normal), FIELD.create(value));
    assert(normal >= -(2n ** 231n) && normal < 2n ** 256n + 2n ** 231n);
  }));
});

Deno.test("addScalars(), subtractScalars() and toElement() agree with BigInt", () => {
  fc.assert(
    fc.property(scalars, scalars, (a, b) => {
      writeNumber(A, a);
      writeNumber(B, b);
      parts.addScalars(OUT, A, B);
      assert.equal(readNumber(OUT), SM2_SCALARS.add(a, b));
      parts.subtractScalars(OUT, A, B);
      assert.equal(readNumber(OUT), SM2_SCALARS.sub(a, b));
      parts.toElement(OUT, A);
      assert.equal(readElement(OUT), a);
    }),
    { numRuns: 500 },
  );
});

Deno.test("recode() writes scalars as sparse odd digits", () => {
  fc.assert(
    fc.property(scalars, fc.constantFrom(5, 8, 10), (scalar, width) => {
      writeNumber(A, scalar);
      parts.recode(DIGITS, A, width);
      let sum = 0n;
      let last = -width;
      for (let i = 0; i < 256; i++) {
        const digit = view.getInt16(DIGITS + 2 * i, true);
        if (digit === 0) continue;
        assert(digit % 2 !== 0 && Math.abs(digit) < 2 ** (width - 1));
        assert(i - last >= width);
        last = i;
        sum += BigInt(digit) << BigInt(i);
      }
      assert.equal(SM2_SCALARS.create(sum), scalar);
    }),
    { numRuns: 500 },
  );
});

/** Makes the sum a point whose Z is not 1. */
function startFrom(point: Point): void {
  parts.clearSum();
  if (point.is0()) return;
  writePoint(A, point.multiplyUnsafe(SM2_SCALARS.inv(2n)));
  parts.addAffine(A, 0);
  parts.doubleSum();
}

/** Pairs of points as additions meet them: equal and opposite ones and infinity as well. */
const pairs = fc.tuple(points, fc.oneof(points, fc.constantFrom("same", "opposite"))).chain(
  ([right, other]) =>
    fc.constantFrom(
      { right, left: other === "same" ? right : other === "opposite" ? right.negate() : other },
      { right, left: Sm2Point.ZERO },
    ),
);

Deno.test("doubleSum(), addAffine() and addCached() agree with noble", () => {
  fc.assert(
    fc.property(pairs, fc.boolean(), ({ left, right }, isNegative) => {
      const term = isNegative ? right.negate() : right;
      const sign = isNegative ? 1 : 0;
      startFrom(left);
      parts.doubleSum();
      assert(readSum().equals(left.double()));

      startFrom(left);
      writePoint(B, right);
      parts.addAffine(B, sign);
      assert(readSum().equals(left.add(term)));
      parts.doubleSum();
      assert(readSum().equals(left.add(term).double()));

      startFrom(right);
      parts.cacheSum(TABLE);
      startFrom(left);
      parts.addCached(TABLE, sign);
      assert(readSum().equals(left.add(term)));
      parts.doubleSum();
      assert(readSum().equals(left.add(term).double()));
    }),
    { numRuns: 100 },
  );
});

Deno.test("long chains of operations keep their bounds", () => {
  fc.assert(
    fc.property(points, fc.array(fc.nat(4), { minLength: 50, maxLength: 100 }), (point, steps) => {
      writePoint(A, point);
      parts.clearSum();
      parts.addAffine(A, 0);
      parts.doubleSum();
      parts.cacheSum(TABLE);
      let factor = 2n;
      for (const step of steps) {
        const isCopied = parts.isAtInfinity() === 1;
        if (step === 0) parts.addAffine(A, 0);
        else if (step === 1) parts.addAffine(A, 1);
        else if (step === 2) parts.addCached(TABLE, 0);
        else if (step === 3) parts.addCached(TABLE, 1);
        else parts.doubleSum();
        factor = step < 4 ? factor + ([1n, -1n, 2n, -2n][step] ?? 0n) : 2n * factor;
        if (parts.isAtInfinity() === 1) continue;
        // centred, or squares of sums with it could overflow; a point that was copied need not be
        const yLimbs = readLimbs(SUM + ELEMENT).slice(0, 8);
        assert(isCopied || yLimbs.every((limb) => limb >= -(2 ** 28) && limb < 2 ** 28));
        const [x, y, z] = [0, 1, 2].map((i) => valueOf(readLimbs(SUM + i * ELEMENT)));
        assert((x ?? 0n) ** 2n <= (4n * PRIME) ** 2n);
        assert((y ?? 0n) ** 2n <= (2n * PRIME) ** 2n);
        assert((z ?? 0n) ** 2n <= (3n * PRIME) ** 2n);
      }
      const scalar = SM2_SCALARS.create(factor);
      assert(readSum().equals(scalar === 0n ? Sm2Point.ZERO : point.multiplyUnsafe(scalar)));
    }),
    { numRuns: 30 },
  );
});

Deno.test("buildTable() holds the odd multiples of 2^(32·row)·P", () => {
  const width = 4;
  fc.assert(
    fc.property(points, (point) => {
      writePoint(A, point);
      parts.buildTable(TABLE, A, width);
      for (let row = 0; row < 8; row++) {
        for (let i = 0; i < 4; i++) {
          const multiple = SM2_SCALARS.create(BigInt(2 * i + 1) << BigInt(32 * row));
          const entry = readPoint(TABLE + (4 * row + i) * 2 * ELEMENT);
          assert(entry.equals(point.multiplyUnsafe(multiple)));
        }
      }
    }),
    { numRuns: 5 },
  );
});
