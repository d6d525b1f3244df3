/**
 * Words of 256 bits. A value below 2^53 is always a `number`, every other one a `bigint`: each
 * value has one representation, so `===` compares words, and the common small ones need no
 * allocation. Results wrap modulo 2^256 (spec/executor_evm.md, section 7).
 *
 * @module
 */

import type { Bytes } from "../../../shared/bytes/mod.ts";

/** An unsigned integer below 2^256: a `number` below 2^53, a `bigint` from there on. */
export type Word = number | bigint;

const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;
const WIDE = 1n << 53n;
const MODULUS = 1n << 256n;
const MASK = MODULUS - 1n;
const SIGN = 1n << 255n;

/** The word of a value that is known to be below 2^256. */
export function toWord(value: bigint): Word {
  return value < WIDE ? Number(value) : value;
}

function wrap(value: bigint): Word {
  return toWord(BigInt.asUintN(256, value));
}

/** Sum. */
export function add(a: Word, b: Word): Word {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b; // a sum that was rounded is not below 2^53
    return sum < TWO_53 ? sum : BigInt(a) + BigInt(b);
  }
  return wrap(BigInt(a) + BigInt(b));
}

/** Difference. */
export function sub(a: Word, b: Word): Word {
  if (typeof a === "number" && typeof b === "number") {
    return a >= b ? a - b : MODULUS + BigInt(a - b);
  }
  return wrap(BigInt(a) - BigInt(b));
}

/** Product. */
export function mul(a: Word, b: Word): Word {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b; // a product that was rounded is not below 2^53
    return product < TWO_53 ? product : BigInt(a) * BigInt(b);
  }
  return wrap(BigInt(a) * BigInt(b));
}

/** Quotient, 0 for the divisor 0. */
export function div(a: Word, b: Word): Word {
  if (typeof a === "number") {
    if (typeof b !== "number" || b === 0) return 0;
    return (a - a % b) / b; // exact, unlike the floor of a rounded quotient
  }
  return b === 0 ? 0 : toWord(a / BigInt(b));
}

/** Remainder, 0 for the divisor 0. */
export function mod(a: Word, b: Word): Word {
  if (b === 0) return 0;
  if (typeof a === "number") return typeof b === "number" ? a % b : a;
  return toWord(a % BigInt(b));
}

/** Quotient of two's complement numbers, rounded towards zero, 0 for the divisor 0. */
export function sdiv(a: Word, b: Word): Word {
  if (b === 0) return 0;
  if (typeof a === "number" && typeof b === "number") return (a - a % b) / b;
  return wrap(signed(a) / signed(b));
}

/** Remainder of two's complement numbers with the sign of the first, 0 for the divisor 0. */
export function smod(a: Word, b: Word): Word {
  if (b === 0) return 0;
  if (typeof a === "number" && typeof b === "number") return a % b;
  return wrap(signed(a) % signed(b));
}

/** Sum modulo a word, without wrapping in between. */
export function addmod(a: Word, b: Word, modulus: Word): Word {
  return modulus === 0 ? 0 : toWord((BigInt(a) + BigInt(b)) % BigInt(modulus));
}

/** Product modulo a word, without wrapping in between. */
export function mulmod(a: Word, b: Word, modulus: Word): Word {
  return modulus === 0 ? 0 : toWord((BigInt(a) * BigInt(b)) % BigInt(modulus));
}

/** Power; four bits of the exponent at a time keep the slowest exponent near 256 squarings. */
export function exp(base: Word, exponent: Word): Word {
  if (exponent === 0) return 1;
  if (base === 0 || base === 1) return base;
  if (base === 2) return shl(exponent, 1);
  const powers: bigint[] = [1n];
  const factor = BigInt(base);
  for (let i = 1; i < 16; i++) powers.push(BigInt.asUintN(256, (powers[i - 1] ?? 1n) * factor));
  let result = 1n;
  for (const digit of exponent.toString(16)) {
    for (let i = 0; i < 4; i++) result = BigInt.asUintN(256, result * result);
    result = BigInt.asUintN(256, result * (powers[parseInt(digit, 16)] ?? 1n));
  }
  return toWord(result);
}

/** Number of bytes of the shortest encoding, 0 for 0. */
export function byteSize(word: Word): number {
  return word === 0 ? 0 : (word.toString(16).length + 1) >> 1;
}

/** Extends the sign of the two's complement number of `index + 1` bytes. */
export function signextend(index: Word, word: Word): Word {
  if (typeof index !== "number" || index > 30) return word;
  return wrap(BigInt.asIntN(8 * (index + 1), BigInt(word)));
}

/** Whether `a` is below `b` as two's complement numbers. */
export function slt(a: Word, b: Word): boolean {
  const isNegative = typeof a === "bigint" && a >= SIGN;
  if (isNegative !== (typeof b === "bigint" && b >= SIGN)) return isNegative;
  return a < b;
}

/** Bitwise and. */
export function and(a: Word, b: Word): Word {
  if (typeof a === "number" && typeof b === "number") {
    const high = (a / TWO_32) & (b / TWO_32);
    return high * TWO_32 + ((a & b) >>> 0);
  }
  return toWord(BigInt(a) & BigInt(b));
}

/** Bitwise or. */
export function or(a: Word, b: Word): Word {
  if (typeof a === "number" && typeof b === "number") {
    const high = (a / TWO_32) | (b / TWO_32);
    return high * TWO_32 + ((a | b) >>> 0);
  }
  return BigInt(a) | BigInt(b);
}

/** Bitwise exclusive or. */
export function xor(a: Word, b: Word): Word {
  if (typeof a === "number" && typeof b === "number") {
    const high = (a / TWO_32) ^ (b / TWO_32);
    return high * TWO_32 + ((a ^ b) >>> 0);
  }
  return toWord(BigInt(a) ^ BigInt(b));
}

/** Bitwise complement. */
export function not(a: Word): Word {
  return toWord(MASK ^ BigInt(a));
}

/** Byte of a word, counted from the most significant; 0 from index 32 on. */
export function byteAt(index: Word, word: Word): number {
  if (typeof index !== "number" || index > 31) return 0;
  const shift = 8 * (31 - index);
  if (typeof word === "bigint") return Number((word >> BigInt(shift)) & 0xffn);
  return shift > 48 ? 0 : Math.floor(word / 2 ** shift) & 0xff;
}

/** Shift to the left. */
export function shl(shift: Word, word: Word): Word {
  if (typeof shift !== "number" || shift > 255) return 0;
  if (typeof word === "number") {
    const shifted = word * 2 ** shift; // only the exponent changes: never rounded
    if (shifted < TWO_53) return shifted;
  }
  return wrap(BigInt(word) << BigInt(shift));
}

/** Shift to the right. */
export function shr(shift: Word, word: Word): Word {
  if (typeof shift !== "number" || shift > 255) return 0;
  if (typeof word === "number") return Math.floor(word / 2 ** shift);
  return toWord(word >> BigInt(shift));
}

/** Shift of a two's complement number to the right. */
export function sar(shift: Word, word: Word): Word {
  if (typeof word === "number" || word < SIGN) return shr(shift, word);
  const places = typeof shift !== "number" || shift > 255 ? 255n : BigInt(shift);
  return wrap(signed(word) >> places);
}

function signed(word: Word): bigint {
  return BigInt.asIntN(256, BigInt(word));
}

/** The low 64 bits of a word. */
export function low64(word: Word): Word {
  return typeof word === "number" ? word : toWord(BigInt.asUintN(64, word));
}

/** The low 160 bits of a word: what an address on the stack means. */
export function low160(word: Word): Word {
  return typeof word === "number" ? word : toWord(BigInt.asUintN(160, word));
}

const SCRATCH = new DataView(new ArrayBuffer(32));
const SCRATCH_BYTES = new Uint8Array(SCRATCH.buffer);

/** Reads 32 bytes, big-endian; the offset and 32 more must be inside the view. */
export function readWord(view: DataView, offset: number): Word {
  if (
    view.getUint32(offset) === 0 && view.getUint32(offset + 4) === 0 &&
    view.getUint32(offset + 8) === 0 && view.getUint32(offset + 12) === 0 &&
    view.getUint32(offset + 16) === 0 && view.getUint32(offset + 20) === 0
  ) {
    const high = view.getUint32(offset + 24);
    if (high < 0x20_0000) return high * TWO_32 + view.getUint32(offset + 28);
  }
  return (view.getBigUint64(offset) << 192n) | (view.getBigUint64(offset + 8) << 128n) |
    (view.getBigUint64(offset + 16) << 64n) | view.getBigUint64(offset + 24);
}

/** Writes 32 bytes, big-endian. */
export function writeWord(view: DataView, offset: number, word: Word): void {
  if (typeof word === "number") {
    for (let i = 0; i < 24; i += 4) view.setUint32(offset + i, 0);
    view.setUint32(offset + 24, word / TWO_32);
    view.setUint32(offset + 28, word >>> 0);
    return;
  }
  view.setBigUint64(offset, word >> 192n);
  view.setBigUint64(offset + 8, BigInt.asUintN(64, word >> 128n));
  view.setBigUint64(offset + 16, BigInt.asUintN(64, word >> 64n));
  view.setBigUint64(offset + 24, BigInt.asUintN(64, word));
}

/** The word of a big-endian byte string of at most 32 bytes. */
export function wordOfBytes(bytes: Bytes): Word {
  SCRATCH_BYTES.fill(0);
  SCRATCH_BYTES.set(bytes, 32 - bytes.length);
  return readWord(SCRATCH, 0);
}

/** The last `size` of the 32 big-endian bytes of a word, as a new array. */
export function bytesOfWord(word: Word, size: number): Bytes {
  writeWord(SCRATCH, 0, word);
  return SCRATCH_BYTES.slice(32 - size);
}

/** 32 bytes from an offset of a byte string, which continues with zeros: what CALLDATALOAD reads. */
export function loadWord(bytes: Bytes, offset: Word): Word {
  if (typeof offset !== "number" || offset >= bytes.length) return 0;
  const end = Math.min(offset + 32, bytes.length);
  for (let i = offset; i < end; i++) SCRATCH_BYTES[i - offset] = bytes[i] ?? 0;
  SCRATCH_BYTES.fill(0, end - offset);
  return readWord(SCRATCH, 0);
}
