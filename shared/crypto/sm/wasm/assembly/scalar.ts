/**
 * Whole numbers below 2^256: eight words of 32 bits, least significant first, and a ninth that is
 * always 0 so that bits can be read across the end.
 *
 * @module
 */

import { multiply } from "./field";

/** Bytes of a number. */
export const NUMBER: i32 = 40;

const WORDS: usize = 32;

/** The prime of the field. */
export const FIELD_PRIME: usize = memory.data<u32>([
  0xffffffff, 0xffffffff, 0x00000000, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe,
  0, 0,
]);

/** The order n of the curve. */
export const ORDER: usize = memory.data<u32>([
  0x39d54123, 0x53bbf409, 0x21c6052b, 0x7203df6b, 0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe,
  0, 0,
]);

/** (n - 1)/2. */
const HALF_ORDER: usize = memory.data<u32>([
  0x9ceaa091, 0xa9ddfa04, 0x90e30295, 0xb901efb5, 0xffffffff, 0xffffffff, 0x7fffffff, 0x7fffffff,
  0, 0,
]);

/** R² modulo p: a product with it takes a number into Montgomery form. */
const R_SQUARED: usize = memory.data<i32>([
  0xc00, 0x4000, 0x1fff0000, 0x17ffff, 0x400000, 0x2000000, 0x0, 0x1, 0x10,
]);

/** Reads 32 bytes, most significant first. */
export function readNumber(out: usize, bytes: usize): void {
  for (let i: usize = 0; i < WORDS; i += 4) {
    store<u32>(out + i, bswap<u32>(load<u32>(bytes + 28 - i)));
  }
}

/** Whether a < b. */
export function isBelow(a: usize, b: usize): bool {
  for (let i: isize = 28; i >= 0; i -= 4) {
    const left = load<u32>(a + i);
    const right = load<u32>(b + i);
    if (left !== right) return left < right;
  }
  return false;
}

export function isZeroNumber(a: usize): bool {
  let bits: u64 = 0;
  for (let i: usize = 0; i < WORDS; i += 8) bits |= load<u64>(a + i);
  return bits === 0;
}

/** out = a + b modulo 2^256; whether there was a carry. */
export function addNumbers(out: usize, a: usize, b: usize): bool {
  let carry: u64 = 0;
  for (let i: usize = 0; i < WORDS; i += 4) {
    carry += <u64>load<u32>(a + i) + <u64>load<u32>(b + i);
    store<u32>(out + i, <u32>carry);
    carry >>= 32;
  }
  return carry !== 0;
}

/** out = a - b modulo 2^256; whether there was a borrow. */
export function subtractNumbers(out: usize, a: usize, b: usize): bool {
  let carry: i64 = 0;
  for (let i: usize = 0; i < WORDS; i += 4) {
    carry += <i64>load<u32>(a + i) - <i64>load<u32>(b + i);
    store<u32>(out + i, <u32>carry);
    carry >>= 32;
  }
  return carry !== 0;
}

/** out = a + b modulo n, for a and b below n. */
export function addScalars(out: usize, a: usize, b: usize): void {
  if (addNumbers(out, a, b) || !isBelow(out, ORDER)) subtractNumbers(out, out, ORDER);
}

/** out = a - b modulo n, for a and b below n. */
export function subtractScalars(out: usize, a: usize, b: usize): void {
  if (subtractNumbers(out, a, b)) addNumbers(out, out, ORDER);
}

/** The `count` bits from `position` on, at most 32. */
@inline
function bits(a: usize, position: i32, count: i32): i32 {
  const pair = load<u64>(a + ((position >> 5) << 2));
  return <i32>((pair >> (position & 31)) & ((1 << count) - 1));
}

/** Takes a number below 2^256 into the field. */
export function toElement(out: usize, a: usize): void {
  for (let i = 0; i < 9; i++) store<i32>(out + (i << 2), bits(a, 29 * i, 29));
  multiply(out, out, R_SQUARED);
}

/** Digits of a scalar, one i16 for each bit. */
export const DIGITS: i32 = 512;

const NEGATED: usize = memory.data(NUMBER);

/**
 * Writes a scalar below n as a sum of odd digits times powers of 2, each digit below 2^(width - 1)
 * in size and followed by at least width - 1 zeros. Scalars above n/2 are taken as -(n - scalar), so
 * that no digit comes at position 256.
 */
export function recode(digits: usize, scalar: usize, width: i32): void {
  memory.fill(digits, 0, DIGITS);
  const isNegative = isBelow(HALF_ORDER, scalar);
  if (isNegative) subtractNumbers(NEGATED, ORDER, scalar);
  const number = isNegative ? NEGATED : scalar;
  let carry = 0;
  let position = 0;
  while (position < 256) {
    if (bits(number, position, 1) === carry) {
      position++;
      continue;
    }
    let digit = bits(number, position, width) + carry;
    carry = digit >> (width - 1);
    digit -= carry << width;
    store<i16>(digits + (position << 1), <i16>(isNegative ? -digit : digit));
    position += width;
  }
}
