/**
 * Numbers modulo p = 2^256 - 2^224 - 2^96 + 2^64 - 1, the field of sm2p256v1.
 *
 * An element is nine signed limbs of 29 bits, least significant first, an i32 each; it stands for
 * its value divided by R = 2^261 (Montgomery form). Every result of this file has limbs 0..7 in
 * [0, 2^29), or in [-2^28, 2^28) where it is said to be centred, and a small top limb of either
 * sign; its value may be negative or above p. Bounds are given in multiples of p.
 *
 * A product (a, b) lies between -|ab|/32 and 1 + |ab|/32, since R/p is about 32. A column sums up
 * to eight products of full limbs, and must stay below 2^63: two operands of 2^30 are too much.
 *
 * @module
 */

/** Bytes of an element. */
export const ELEMENT: i32 = 36;

const MASK: i64 = (1 << 29) - 1;
const HALF: i64 = 1 << 28;

@inline
function limb(a: usize, i: usize): i64 {
  return <i64>load<i32>(a + (i << 2));
}

@inline
function setLimb(a: usize, i: usize, value: i64): void {
  store<i32>(a + (i << 2), <i32>value);
}

/** The product of limbs i and j, nothing where there is no limb j. */
@inline
function term(a: usize, i: i32, b: usize, j: i32): i64 {
  return j < 0 || j > 8 ? 0 : limb(a, i) * limb(b, j);
}

/** Column k of a·b: the sum of the products whose weight is 2^(29k). */
@inline
function column(a: usize, b: usize, k: i32): i64 {
  return term(a, 0, b, k) + term(a, 1, b, k - 1) + term(a, 2, b, k - 2) +
    term(a, 3, b, k - 3) + term(a, 4, b, k - 4) + term(a, 5, b, k - 5) +
    term(a, 6, b, k - 6) + term(a, 7, b, k - 7) + term(a, 8, b, k - 8);
}

@inline
function squareTerm(a: usize, i: i32, j: i32): i64 {
  return j > 8 || j <= i ? 0 : limb(a, i) * limb(a, j);
}

/** Column k of a², each mixed product computed once. */
@inline
function squareColumn(a: usize, k: i32): i64 {
  const mixed = squareTerm(a, 0, k) + squareTerm(a, 1, k - 1) + squareTerm(a, 2, k - 2) +
    squareTerm(a, 3, k - 3) + squareTerm(a, 4, k - 4) + squareTerm(a, 5, k - 5) +
    squareTerm(a, 6, k - 6) + squareTerm(a, 7, k - 7);
  return (mixed << 1) + ((k & 1) !== 0 ? 0 : limb(a, k >> 1) * limb(a, k >> 1));
}

/**
 * Divides the number with the given columns by R modulo p. As p = -1 modulo 2^29, the multiple of p
 * that clears a column is the column's low limb m, and adding m·p is four shifts. `half` is added
 * before and taken off after a limb is cut: 0, or HALF for a centred result.
 */
@inline
function reduce(
  out: usize, half: i64,
  c0: i64, c1: i64, c2: i64, c3: i64, c4: i64, c5: i64, c6: i64, c7: i64, c8: i64,
  c9: i64, c10: i64, c11: i64, c12: i64, c13: i64, c14: i64, c15: i64, c16: i64, c17: i64,
): void {
  let t = c0;
  const m0 = t & MASK;
  t = (t >> 29) + c1;
  const m1 = t & MASK;
  t = (t >> 29) + c2 + (m0 << 6);
  const m2 = t & MASK;
  t = (t >> 29) + c3 + (m1 << 6) - (m0 << 9);
  const m3 = t & MASK;
  t = (t >> 29) + c4 + (m2 << 6) - (m1 << 9);
  const m4 = t & MASK;
  t = (t >> 29) + c5 + (m3 << 6) - (m2 << 9);
  const m5 = t & MASK;
  t = (t >> 29) + c6 + (m4 << 6) - (m3 << 9);
  const m6 = t & MASK;
  t = (t >> 29) + c7 + (m5 << 6) - (m4 << 9) - (m0 << 21);
  const m7 = t & MASK;
  t = (t >> 29) + c8 + (m6 << 6) - (m5 << 9) - (m1 << 21) + (m0 << 24);
  const m8 = t & MASK;
  t = (t >> 29) + c9 + (m7 << 6) - (m6 << 9) - (m2 << 21) + (m1 << 24) + half;
  setLimb(out, 0, (t & MASK) - half);
  t = (t >> 29) + c10 + (m8 << 6) - (m7 << 9) - (m3 << 21) + (m2 << 24) + half;
  setLimb(out, 1, (t & MASK) - half);
  t = (t >> 29) + c11 - (m8 << 9) - (m4 << 21) + (m3 << 24) + half;
  setLimb(out, 2, (t & MASK) - half);
  t = (t >> 29) + c12 - (m5 << 21) + (m4 << 24) + half;
  setLimb(out, 3, (t & MASK) - half);
  t = (t >> 29) + c13 - (m6 << 21) + (m5 << 24) + half;
  setLimb(out, 4, (t & MASK) - half);
  t = (t >> 29) + c14 - (m7 << 21) + (m6 << 24) + half;
  setLimb(out, 5, (t & MASK) - half);
  t = (t >> 29) + c15 - (m8 << 21) + (m7 << 24) + half;
  setLimb(out, 6, (t & MASK) - half);
  t = (t >> 29) + c16 + (m8 << 24) + half;
  setLimb(out, 7, (t & MASK) - half);
  setLimb(out, 8, (t >> 29) + c17);
}

/** out = a·b. */
export function multiply(out: usize, a: usize, b: usize): void {
  reduce(
    out, 0,
    column(a, b, 0), column(a, b, 1), column(a, b, 2), column(a, b, 3), column(a, b, 4),
    column(a, b, 5), column(a, b, 6), column(a, b, 7), column(a, b, 8), column(a, b, 9),
    column(a, b, 10), column(a, b, 11), column(a, b, 12), column(a, b, 13), column(a, b, 14),
    column(a, b, 15), column(a, b, 16), 0,
  );
}

@inline
function squareInto(out: usize, half: i64, a: usize): void {
  reduce(
    out, half,
    squareColumn(a, 0), squareColumn(a, 1), squareColumn(a, 2), squareColumn(a, 3),
    squareColumn(a, 4), squareColumn(a, 5), squareColumn(a, 6), squareColumn(a, 7),
    squareColumn(a, 8), squareColumn(a, 9), squareColumn(a, 10), squareColumn(a, 11),
    squareColumn(a, 12), squareColumn(a, 13), squareColumn(a, 14), squareColumn(a, 15),
    squareColumn(a, 16), 0,
  );
}

/** out = a². */
export function square(out: usize, a: usize): void {
  squareInto(out, 0, a);
}

/** out = a², centred. */
export function squareCentred(out: usize, a: usize): void {
  squareInto(out, HALF, a);
}

/** out = a·b - c. */
export function multiplySubtract(out: usize, a: usize, b: usize, c: usize): void {
  reduce(
    out, 0,
    column(a, b, 0), column(a, b, 1), column(a, b, 2), column(a, b, 3), column(a, b, 4),
    column(a, b, 5), column(a, b, 6), column(a, b, 7), column(a, b, 8),
    column(a, b, 9) - limb(c, 0), column(a, b, 10) - limb(c, 1), column(a, b, 11) - limb(c, 2),
    column(a, b, 12) - limb(c, 3), column(a, b, 13) - limb(c, 4), column(a, b, 14) - limb(c, 5),
    column(a, b, 15) - limb(c, 6), column(a, b, 16) - limb(c, 7), -limb(c, 8),
  );
}

/** Limb i of b + factor·c. */
@inline
function weighted(b: usize, factor: i64, c: usize, i: usize): i64 {
  return limb(b, i) + factor * limb(c, i);
}

@inline
function squareSubtractInto(out: usize, a: usize, b: usize, factor: i64, c: usize): void {
  reduce(
    out, 0,
    squareColumn(a, 0), squareColumn(a, 1), squareColumn(a, 2), squareColumn(a, 3),
    squareColumn(a, 4), squareColumn(a, 5), squareColumn(a, 6), squareColumn(a, 7),
    squareColumn(a, 8),
    squareColumn(a, 9) - weighted(b, factor, c, 0),
    squareColumn(a, 10) - weighted(b, factor, c, 1),
    squareColumn(a, 11) - weighted(b, factor, c, 2),
    squareColumn(a, 12) - weighted(b, factor, c, 3),
    squareColumn(a, 13) - weighted(b, factor, c, 4),
    squareColumn(a, 14) - weighted(b, factor, c, 5),
    squareColumn(a, 15) - weighted(b, factor, c, 6),
    squareColumn(a, 16) - weighted(b, factor, c, 7),
    -weighted(b, factor, c, 8),
  );
}

/** out = a² - b - c. */
export function squareSubtract(out: usize, a: usize, b: usize, c: usize): void {
  squareSubtractInto(out, a, b, 1, c);
}

/** out = a² - b - 2c. */
export function squareSubtractTwice(out: usize, a: usize, b: usize, c: usize): void {
  squareSubtractInto(out, a, b, 2, c);
}

/** Column k of a·b - c·d. */
@inline
function pairColumn(a: usize, b: usize, c: usize, d: usize, k: i32): i64 {
  return column(a, b, k) - column(c, d, k);
}

/** out = a·b - c·d, centred, with one reduction. */
export function subtractProducts(out: usize, a: usize, b: usize, c: usize, d: usize): void {
  reduce(
    out, HALF,
    pairColumn(a, b, c, d, 0), pairColumn(a, b, c, d, 1), pairColumn(a, b, c, d, 2),
    pairColumn(a, b, c, d, 3), pairColumn(a, b, c, d, 4), pairColumn(a, b, c, d, 5),
    pairColumn(a, b, c, d, 6), pairColumn(a, b, c, d, 7), pairColumn(a, b, c, d, 8),
    pairColumn(a, b, c, d, 9), pairColumn(a, b, c, d, 10), pairColumn(a, b, c, d, 11),
    pairColumn(a, b, c, d, 12), pairColumn(a, b, c, d, 13), pairColumn(a, b, c, d, 14),
    pairColumn(a, b, c, d, 15), pairColumn(a, b, c, d, 16), 0,
  );
}

/** Column k of a·b - 8c². */
@inline
function eightfoldColumn(a: usize, b: usize, c: usize, k: i32): i64 {
  return column(a, b, k) - (squareColumn(c, k) << 3);
}

/** out = a·b - 8c², centred, with one reduction; c must be centred. */
export function subtractEightSquares(out: usize, a: usize, b: usize, c: usize): void {
  reduce(
    out, HALF,
    eightfoldColumn(a, b, c, 0), eightfoldColumn(a, b, c, 1), eightfoldColumn(a, b, c, 2),
    eightfoldColumn(a, b, c, 3), eightfoldColumn(a, b, c, 4), eightfoldColumn(a, b, c, 5),
    eightfoldColumn(a, b, c, 6), eightfoldColumn(a, b, c, 7), eightfoldColumn(a, b, c, 8),
    eightfoldColumn(a, b, c, 9), eightfoldColumn(a, b, c, 10), eightfoldColumn(a, b, c, 11),
    eightfoldColumn(a, b, c, 12), eightfoldColumn(a, b, c, 13), eightfoldColumn(a, b, c, 14),
    eightfoldColumn(a, b, c, 15), eightfoldColumn(a, b, c, 16), 0,
  );
}

@inline
function word(a: usize, i: usize): i32 {
  return load<i32>(a + (i << 2));
}

@inline
function setSum(out: usize, a: usize, b: usize, factor: i32, i: usize): void {
  store<i32>(out + (i << 2), word(a, i) + factor * word(b, i));
}

@inline
function combine(out: usize, a: usize, b: usize, factor: i32): void {
  setSum(out, a, b, factor, 0);
  setSum(out, a, b, factor, 1);
  setSum(out, a, b, factor, 2);
  setSum(out, a, b, factor, 3);
  setSum(out, a, b, factor, 4);
  setSum(out, a, b, factor, 5);
  setSum(out, a, b, factor, 6);
  setSum(out, a, b, factor, 7);
  setSum(out, a, b, factor, 8);
}

/** out = a + b, limb by limb: an operand, no result. */
export function add(out: usize, a: usize, b: usize): void {
  combine(out, a, b, 1);
}

/** out = a - b, limb by limb: an operand, no result. */
export function subtract(out: usize, a: usize, b: usize): void {
  combine(out, a, b, -1);
}

/** out = factor·a, limb by limb: an operand, no result. */
@inline
export function scale(out: usize, a: usize, factor: i32): void {
  for (let i = 0; i < ELEMENT; i += 4) store<i32>(out + i, factor * load<i32>(a + i));
}

@inline
export function copy(out: usize, a: usize, size: usize): void {
  memory.copy(out, a, size);
}

/** Brings a of at most 100p in size into [-2^231, 2^256 + 2^231), with whole limbs. */
export function normalise(a: usize): void {
  const multiple = limb(a, 8) >> 24;
  let t = limb(a, 0) + multiple;
  setLimb(a, 0, t & MASK);
  t = (t >> 29) + limb(a, 1);
  setLimb(a, 1, t & MASK);
  t = (t >> 29) + limb(a, 2) - (multiple << 6);
  setLimb(a, 2, t & MASK);
  t = (t >> 29) + limb(a, 3) + (multiple << 9);
  setLimb(a, 3, t & MASK);
  t = (t >> 29) + limb(a, 4);
  setLimb(a, 4, t & MASK);
  t = (t >> 29) + limb(a, 5);
  setLimb(a, 5, t & MASK);
  t = (t >> 29) + limb(a, 6);
  setLimb(a, 6, t & MASK);
  t = (t >> 29) + limb(a, 7) + (multiple << 21);
  setLimb(a, 7, t & MASK);
  setLimb(a, 8, (t >> 29) + limb(a, 8) - (multiple << 24));
}

const PRIME: usize = memory.data<i32>([
  0x1fffffff, 0x1fffffff, 0x3f, 0x1ffffe00, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fdfffff,
  0xffffff,
]);

/** R modulo p: the number one as an element. */
export const ONE: usize = memory.data<i32>([32, 0, 0x1ffff800, 0x3fff, 0, 0, 0, 0x4000000, 0]);

const SQUARED: usize = memory.data(ELEMENT);

function equals(a: usize, b: usize): bool {
  return memory.compare(a, b, ELEMENT) === 0;
}

/**
 * Whether a, at most 5p in size, is a multiple of p. Its square lies in [0, 2p) and has whole limbs,
 * so that it is 0 or p to the bit.
 */
export function isZero(a: usize): bool {
  square(SQUARED, a);
  return isZeroSquare(SQUARED);
}

/** {@linkcode isZero} of a number whose square is at hand, not centred. */
export function isZeroSquare(squared: usize): bool {
  const low = load<i32>(squared);
  if (low !== 0 && low !== <i32>MASK) return false;
  if (low === 0) {
    for (let i = 4; i < ELEMENT; i += 4) if (load<i32>(squared + i) !== 0) return false;
    return true;
  }
  return equals(squared, PRIME);
}

function squareTimes(out: usize, a: usize, count: i32): void {
  square(out, a);
  for (let i = 1; i < count; i++) square(out, out);
}

const POWER: usize = memory.data(ELEMENT);
const ONES_3: usize = memory.data(ELEMENT);
const ONES_6: usize = memory.data(ELEMENT);
const ONES_15: usize = memory.data(ELEMENT);
const ONES_30: usize = memory.data(ELEMENT);
const ONES_32: usize = memory.data(ELEMENT);

/** POWER = POWER^(2^count) · a. */
function shiftIn(count: i32, a: usize): void {
  squareTimes(POWER, POWER, count);
  multiply(POWER, POWER, a);
}

/**
 * out = 1/a by Fermat: a^(p - 2), whose bits are 31 ones, a zero, 128 ones, 32 zeros, 62 ones, a
 * zero and a one.
 */
export function invert(out: usize, a: usize): void {
  copy(POWER, a, ELEMENT);
  shiftIn(1, a);
  shiftIn(1, a);
  copy(ONES_3, POWER, ELEMENT);
  shiftIn(3, ONES_3);
  copy(ONES_6, POWER, ELEMENT);
  shiftIn(6, ONES_6);
  shiftIn(3, ONES_3);
  copy(ONES_15, POWER, ELEMENT);
  shiftIn(15, ONES_15);
  copy(ONES_30, POWER, ELEMENT);
  shiftIn(1, a);
  squareTimes(ONES_32, POWER, 1);
  multiply(ONES_32, ONES_32, a);
  squareTimes(POWER, POWER, 1);
  for (let i = 0; i < 4; i++) shiftIn(32, ONES_32);
  shiftIn(64, ONES_32);
  shiftIn(30, ONES_30);
  shiftIn(2, a);
  copy(out, POWER, ELEMENT);
}
