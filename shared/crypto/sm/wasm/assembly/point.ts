/**
 * One point of sm2p256v1 that grows: the sum, in Jacobian coordinates (x = X/Z², y = Y/Z³).
 *
 * Bounds, in multiples of p, that every operation keeps: |X| <= 4, |Y| <= 2, |Z| <= 3, with Y
 * centred. Points that are added have |x|, |y| <= 1.1.
 *
 * @module
 */

import {
  add,
  copy,
  ELEMENT,
  isZero,
  isZeroSquare,
  multiply,
  multiplySubtract,
  ONE,
  scale,
  square,
  squareCentred,
  squareSubtract,
  squareSubtractTwice,
  subtract,
  subtractEightSquares,
  subtractProducts,
} from "./field";

/** Bytes of x ‖ y, a point of a table. */
export const AFFINE: i32 = 2 * ELEMENT;
/** Bytes of X ‖ Y ‖ Z ‖ Z² ‖ Z³, a point that is added several times without being affine. */
export const CACHED: i32 = 5 * ELEMENT;

/** X ‖ Y ‖ Z of the sum; without meaning while it is at infinity. */
export const SUM: usize = memory.data(3 * ELEMENT);
const X: usize = SUM;
const Y: usize = SUM + ELEMENT;
const Z: usize = SUM + 2 * ELEMENT;

let atInfinity: bool = true;

const A: usize = memory.data(ELEMENT);
const B: usize = memory.data(ELEMENT);
const C: usize = memory.data(ELEMENT);
const D: usize = memory.data(ELEMENT);
const E: usize = memory.data(ELEMENT);
const H: usize = memory.data(ELEMENT);
const ZERO: usize = memory.data(ELEMENT);
const NEGATIVE_Y: usize = memory.data(ELEMENT);

/** Makes the sum the point at infinity. */
export function clearSum(): void {
  atInfinity = true;
}

/** Whether the sum is the point at infinity. */
export function isAtInfinity(): bool {
  return atInfinity;
}

/** Doubles the sum: 3 multiplications and 5 squarings, for a = -3. */
export function doubleSum(): void {
  if (atInfinity) return;
  square(A, Z);
  squareCentred(B, Y);
  scale(C, B, 4);
  multiply(C, X, C);
  subtract(D, X, A);
  scale(D, D, 3);
  add(E, X, A);
  multiply(D, D, E);
  add(E, Y, Z);
  // no Y is 0: the order of the curve is odd
  squareSubtract(Z, E, A, B);
  squareSubtract(X, D, C, C);
  subtract(C, C, X);
  subtractEightSquares(Y, D, C, B);
}

/** Adds an affine point, or its negative: 8 multiplications and 3 squarings. */
export function addAffine(point: usize, isNegative: bool): void {
  let y = point + ELEMENT;
  if (isNegative) {
    scale(NEGATIVE_Y, y, -1);
    y = NEGATIVE_Y;
  }
  if (atInfinity) {
    copy(X, point, ELEMENT);
    copy(Y, y, ELEMENT);
    copy(Z, ONE, ELEMENT);
    atInfinity = false;
    return;
  }
  square(A, Z);
  multiply(B, Z, A);
  multiplySubtract(H, point, A, X);
  multiplySubtract(D, y, B, Y);
  addDifference();
}

/** Adds a {@linkcode CACHED} point, or its negative: 11 multiplications and 3 squarings. */
export function addCached(point: usize, isNegative: bool): void {
  let y = point + ELEMENT;
  if (isNegative) {
    scale(NEGATIVE_Y, y, -1);
    y = NEGATIVE_Y;
  }
  if (atInfinity) {
    copy(X, point, ELEMENT);
    copy(Y, y, ELEMENT);
    copy(Z, point + 2 * ELEMENT, ELEMENT);
    atInfinity = false;
    return;
  }
  square(A, Z);
  multiply(B, Z, A);
  multiply(X, X, point + 3 * ELEMENT);
  multiply(Y, Y, point + 4 * ELEMENT);
  multiplySubtract(H, point, A, X);
  multiplySubtract(D, y, B, Y);
  multiply(Z, Z, point + 2 * ELEMENT);
  addDifference();
}

/**
 * The common end of an addition: the sum, brought to the denominator of both points, is (X, Y), the
 * other point (X + H, Y + D), and Z what they share.
 */
@inline
function addDifference(): void {
  square(A, H);
  if (isZeroSquare(A)) {
    // the same x: the same point or its negative
    atInfinity = !isZero(D);
    subtractProducts(Y, Y, ONE, ZERO, ZERO); // doubling wants it centred
    doubleSum();
    return;
  }
  multiply(Z, Z, H);
  multiply(B, H, A);
  multiply(C, X, A);
  squareSubtractTwice(X, D, B, C);
  subtract(C, C, X);
  subtractProducts(Y, D, C, Y, B);
}

/** Writes the sum, which is not at infinity, as a {@linkcode CACHED} point. */
export function cacheSum(out: usize): void {
  copy(out, SUM, 3 * ELEMENT);
  square(out + 3 * ELEMENT, Z);
  multiply(out + 4 * ELEMENT, Z, out + 3 * ELEMENT);
}

/** Makes the sum X ‖ Y ‖ Z, which is not at infinity. */
export function setSum(point: usize): void {
  copy(SUM, point, 3 * ELEMENT);
  atInfinity = false;
}

/** Whether the affine x of the sum is `x`, |x| <= 1.1. */
export function hasX(x: usize): bool {
  square(A, Z);
  multiplySubtract(A, x, A, X);
  return isZero(A);
}
