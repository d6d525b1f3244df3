/**
 * Multiples of a point, so that multiplying it takes few doublings.
 *
 * A table of width w has 8 rows of 2^(w-2) affine points: row j holds the odd multiples
 * 1, 3, 5, ... of 2^(32j)·P. With the digits of a scalar in eight pieces of 32, all rows share 32
 * doublings. Rows are built in affine coordinates, where an addition costs 6 multiplications when
 * many share one inversion.
 *
 * @module
 */

import {
  copy,
  ELEMENT,
  invert,
  multiply,
  multiplySubtract,
  normalise,
  ONE,
  scale,
  square,
  squareSubtract,
  subtract,
} from "./field";
import { addAffine, addCached, AFFINE, CACHED, cacheSum, clearSum, doubleSum, SUM } from "./point";

/** Rows of a table. */
export const ROWS = 8;
/** Doublings from a row to the next. */
export const ROW_BITS = 32;
/** The largest width of a table, that of G. */
const MAX_WIDTH = 10;

/** Points of a row. */
@inline
export function rowLength(width: i32): i32 {
  return 1 << (width - 2);
}

/** Bytes of a table. */
@inline
export function tableSize(width: i32): usize {
  return <usize>(ROWS * rowLength(width)) * AFFINE;
}

const BATCH_MAX = ROWS * (1 + (1 << (MAX_WIDTH - 3)));
/** What is inverted together, and the products of all before each. */
const DENOMINATORS: usize = memory.data(BATCH_MAX * ELEMENT);
const PREFIXES: usize = memory.data(BATCH_MAX * ELEMENT);
const INVERSE: usize = memory.data(ELEMENT);
const NEXT: usize = memory.data(ELEMENT);

@inline
function denominator(index: i32): usize {
  return DENOMINATORS + <usize>index * ELEMENT;
}

/** Replaces the first `count` denominators, none of them 0, by their inverses. */
function invertDenominators(count: i32): void {
  copy(INVERSE, ONE, ELEMENT);
  for (let i = 0; i < count; i++) {
    copy(PREFIXES + <usize>i * ELEMENT, INVERSE, ELEMENT);
    multiply(INVERSE, INVERSE, denominator(i));
  }
  invert(INVERSE, INVERSE);
  for (let i = count - 1; i >= 0; i--) {
    multiply(NEXT, INVERSE, denominator(i));
    multiply(denominator(i), INVERSE, PREFIXES + <usize>i * ELEMENT);
    copy(INVERSE, NEXT, ELEMENT);
  }
}

/** X ‖ Y ‖ Z of the first point of each row. */
const BASES: usize = memory.data(ROWS * 3 * ELEMENT);
/** For each row the affine multiple 2k·P that leads to its next k points. */
const STEPS: usize = memory.data(ROWS * AFFINE);

const SLOPE: usize = memory.data(ELEMENT);
const RUN: usize = memory.data(ELEMENT);
const RESULT: usize = memory.data(ELEMENT);

/** Finishes an affine addition: out = the third point of the line through left and right, turned. */
function followSlope(out: usize, left: usize, right: usize): void {
  squareSubtract(RESULT, SLOPE, left, right);
  normalise(RESULT);
  subtract(RUN, left, RESULT);
  multiplySubtract(out + ELEMENT, SLOPE, RUN, left + ELEMENT);
  normalise(out + ELEMENT);
  copy(out, RESULT, ELEMENT);
}

/** out = left + right, with 1/(x of right - x of left) at hand. */
function addWithInverse(out: usize, left: usize, right: usize, inverse: usize): void {
  subtract(SLOPE, right + ELEMENT, left + ELEMENT);
  multiply(SLOPE, SLOPE, inverse);
  followSlope(out, left, right);
}

/** point = 2·point, with 1/2y at hand. */
function doubleWithInverse(point: usize, inverse: usize): void {
  square(SLOPE, point);
  subtract(SLOPE, SLOPE, ONE);
  scale(SLOPE, SLOPE, 3);
  multiply(SLOPE, SLOPE, inverse);
  followSlope(point, point, point);
}

/** Writes 2^(32j)·P as the first point of each row j, and into STEPS. */
function startRows(table: usize, point: usize, length: i32): void {
  clearSum();
  addAffine(point, false);
  for (let row = 0; row < ROWS; row++) {
    const base = BASES + <usize>row * 3 * ELEMENT;
    copy(base, SUM, 3 * ELEMENT);
    copy(denominator(row), base + 2 * ELEMENT, ELEMENT);
    if (row < ROWS - 1) for (let i = 0; i < ROW_BITS; i++) doubleSum();
  }
  invertDenominators(ROWS);
  for (let row = 0; row < ROWS; row++) {
    const base = BASES + <usize>row * 3 * ELEMENT;
    const inverse = denominator(row);
    const first = table + <usize>(row * length) * AFFINE;
    square(SLOPE, inverse);
    multiply(first, base, SLOPE);
    multiply(SLOPE, SLOPE, inverse);
    multiply(first + ELEMENT, base + ELEMENT, SLOPE);
    copy(STEPS + <usize>row * AFFINE, first, AFFINE);
  }
}

/** Doubles the step of each row. */
function doubleSteps(firstInverse: i32): void {
  for (let row = 0; row < ROWS; row++) {
    doubleWithInverse(STEPS + <usize>row * AFFINE, denominator(firstInverse + row));
  }
}

function addStepDenominators(first: i32): void {
  for (let row = 0; row < ROWS; row++) {
    scale(denominator(first + row), STEPS + <usize>row * AFFINE + ELEMENT, 2);
  }
}

/** Builds the table of an affine point of the curve. */
export function buildTable(table: usize, point: usize, width: i32): void {
  const length = rowLength(width);
  startRows(table, point, length);
  addStepDenominators(0);
  invertDenominators(ROWS);
  doubleSteps(0);
  // the first k points of each row and 2k·P give the next k
  for (let known = 1; known < length; known <<= 1) {
    const sums = ROWS * known;
    for (let i = 0; i < sums; i++) {
      const row = i / known;
      const left = table + <usize>(row * length + i % known) * AFFINE;
      subtract(denominator(i), STEPS + <usize>row * AFFINE, left);
    }
    addStepDenominators(sums);
    invertDenominators(sums + ROWS);
    for (let i = 0; i < sums; i++) {
      const row = i / known;
      const left = table + <usize>(row * length + i % known) * AFFINE;
      const step = STEPS + <usize>row * AFFINE;
      addWithInverse(left + <usize>known * AFFINE, left, step, denominator(i));
    }
    doubleSteps(sums);
  }
}

/** Points of a small table. */
const SMALL_LENGTH = 8;
/** The width whose digits a small table serves. */
export const SMALL_WIDTH = 5;
/** Odd multiples 1 .. 15 of a key that was not seen before, in {@linkcode CACHED} form. */
const SMALL: usize = memory.data(SMALL_LENGTH * CACHED);
const TWICE: usize = memory.data(CACHED);

/** Builds the small table of an affine point; the sum is used up. */
export function buildSmallTable(point: usize): void {
  clearSum();
  addAffine(point, false);
  cacheSum(SMALL);
  doubleSum();
  cacheSum(TWICE);
  addAffine(point, false);
  for (let i = 1; i < SMALL_LENGTH; i++) {
    if (i > 1) addCached(TWICE, false);
    cacheSum(SMALL + <usize>i * CACHED);
  }
}

/** Adds digit times the point of the small table to the sum. */
@inline
export function addSmallMultiple(digit: i32): void {
  const index = (digit < 0 ? -digit : digit) >> 1;
  addCached(SMALL + <usize>index * CACHED, digit < 0);
}

/** Adds digit times the first point of a row to the sum. */
@inline
export function addMultiple(row: usize, digit: i32): void {
  const index = (digit < 0 ? -digit : digit) >> 1;
  addAffine(row + <usize>index * AFFINE, digit < 0);
}
