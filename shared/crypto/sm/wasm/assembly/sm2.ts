/**
 * SM2 verification (GB/T 32918.2, section 7.1) on sm2p256v1 with the user id 1234567812345678.
 *
 * Signatures are public, and so the time may depend on every input: never use this to sign, or with
 * any other secret. Signing stays with noble (`signer.ts`).
 *
 * A caller writes r ‖ s ‖ public key to SIGNATURE, calls begin(), feeds the message through CHUNK
 * with absorb(), and calls finish().
 *
 * @module
 */

import { ELEMENT, isZero, multiply, multiplySubtract, ONE, scale, square, subtract } from "./field";
import {
  findKey,
  hasRoom,
  identityHashOf,
  KEY_WIDTH,
  noteKey,
  PUBLIC_KEY,
  publicKeyHashOf,
  tableOf,
  touchKey,
} from "./keys";
import { AFFINE, clearSum, doubleSum, hasX, isAtInfinity } from "./point";
import {
  addNumbers,
  addScalars,
  DIGITS,
  FIELD_PRIME,
  isBelow,
  isZeroNumber,
  NUMBER,
  ORDER,
  readNumber,
  recode,
  subtractNumbers,
  subtractScalars,
  toElement,
} from "./scalar";
import { finishHash, HASH, resumeHash, saveHash, startHash, updateHash } from "./sm3";
import {
  addMultiple,
  addSmallMultiple,
  buildSmallTable,
  buildTable,
  ROW_BITS,
  rowLength,
  ROWS,
  SMALL_WIDTH,
} from "./tables";

/** r ‖ s ‖ public key, each number of 32 bytes, most significant first. */
export const SIGNATURE: usize = memory.data(64 + PUBLIC_KEY);
/** A part of the message. */
export const CHUNK: usize = memory.data(4096);
/** The number e that the signature binds, 32 bytes. */
export const DIGEST: usize = memory.data(HASH);
/** SM3 of the public key of the last valid signature; its last 20 bytes are the address. */
export const PUBLIC_KEY_HASH: usize = memory.data(HASH);

const KEY: usize = SIGNATURE + 64;

/** ENTL ‖ id ‖ a ‖ b ‖ xG ‖ yG: what ZA hashes before the public key. */
const IDENTITY_PREFIX: usize = memory.data<u8>([
  0x00, 0x80, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36,
  0x37, 0x38, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
  0xff, 0xfc, 0x28, 0xe9, 0xfa, 0x9e, 0x9d, 0x9f, 0x5e, 0x34, 0x4d, 0x5a, 0x9e, 0x4b, 0xcf, 0x65,
  0x09, 0xa7, 0xf3, 0x97, 0x89, 0xf5, 0x15, 0xab, 0x8f, 0x92, 0xdd, 0xbc, 0xbd, 0x41, 0x4d, 0x94,
  0x0e, 0x93, 0x32, 0xc4, 0xae, 0x2c, 0x1f, 0x19, 0x81, 0x19, 0x5f, 0x99, 0x04, 0x46, 0x6a, 0x39,
  0xc9, 0x94, 0x8f, 0xe3, 0x0b, 0xbf, 0xf2, 0x66, 0x0b, 0xe1, 0x71, 0x5a, 0x45, 0x89, 0x33, 0x4c,
  0x74, 0xc7, 0xbc, 0x37, 0x36, 0xa2, 0xf4, 0xf6, 0x77, 0x9c, 0x59, 0xbd, 0xce, 0xe3, 0x6b, 0x69,
  0x21, 0x53, 0xd0, 0xa9, 0x87, 0x7c, 0xc6, 0x2a, 0x47, 0x40, 0x02, 0xdf, 0x32, 0xe5, 0x21, 0x39,
  0xf0, 0xa0,
]);
const PREFIX_SIZE: usize = 146;
/** The hash of the first two blocks of the prefix, which no key changes. */
const PREFIX_STATE: usize = memory.data(HASH);
const PREFIX_HASHED: usize = 128;
const IDENTITY_HASH: usize = memory.data(HASH);

/** b of the curve, negative, and 3. */
const MINUS_B: usize = memory.data(ELEMENT);
const THREE: usize = memory.data(ELEMENT);

/** Width of the table of G: 147 KB. */
const BASE_WIDTH = 10;
const BASE_TABLE: usize = memory.data(ROWS * (1 << (BASE_WIDTH - 2)) * AFFINE);
const BASE_DIGITS: usize = memory.data(DIGITS);
const KEY_DIGITS: usize = memory.data(DIGITS);

const R: usize = memory.data(NUMBER);
const S: usize = memory.data(NUMBER);
const T: usize = memory.data(NUMBER);
const WANTED: usize = memory.data(NUMBER);
const POINT: usize = memory.data(AFFINE);
const LEFT: usize = memory.data(ELEMENT);
const RIGHT: usize = memory.data(ELEMENT);

/** The place of the key's table, or -1. */
let place = -1;

function setUp(): void {
  if (!hasRoom()) unreachable(); // toolchain/wasm.ts gives the memory
  startHash();
  updateHash(IDENTITY_PREFIX, PREFIX_HASHED);
  saveHash(PREFIX_STATE);
  scale(THREE, ONE, 3);
  readNumber(T, IDENTITY_PREFIX + 50);
  toElement(MINUS_B, T);
  scale(MINUS_B, MINUS_B, -1);
  readPoint(IDENTITY_PREFIX + 82);
  buildTable(BASE_TABLE, POINT, BASE_WIDTH);
}

/** Reads X ‖ Y into POINT; false when it is no point of the curve. */
function readPoint(bytes: usize): bool {
  for (let i = 0; i < 2; i++) {
    readNumber(T, bytes + 32 * i);
    if (!isBelow(T, FIELD_PRIME)) return false;
    toElement(POINT + ELEMENT * i, T);
  }
  // y² = (x² - 3)·x + b
  square(LEFT, POINT + ELEMENT);
  square(RIGHT, POINT);
  subtract(RIGHT, RIGHT, THREE);
  multiplySubtract(RIGHT, POINT, RIGHT, MINUS_B);
  subtract(RIGHT, RIGHT, LEFT);
  return isZero(RIGHT);
}

/** Starts with the signature at SIGNATURE. */
export function begin(): void {
  place = findKey(KEY);
  if (place < 0) hashIdentity();
  startHash();
  updateHash(place < 0 ? IDENTITY_HASH : identityHashOf(place), HASH);
}

function hashIdentity(): void {
  resumeHash(PREFIX_STATE, PREFIX_HASHED);
  updateHash(IDENTITY_PREFIX + PREFIX_HASHED, PREFIX_SIZE - PREFIX_HASHED);
  updateHash(KEY, PUBLIC_KEY);
  finishHash(IDENTITY_HASH);
}

/** Takes `size` bytes of the message from CHUNK. */
export function absorb(size: usize): void {
  updateHash(CHUNK, size);
}

/** Ends the message: whether the signature is valid. */
export function finish(): bool {
  finishHash(DIGEST);
  return verify();
}

/** Whether the signature at SIGNATURE binds the number at DIGEST instead of a message. */
export function verifyDigest(): bool {
  place = findKey(KEY);
  if (place < 0) hashIdentity();
  return verify();
}

function verify(): bool {
  if (!readScalars()) return false;
  if (place >= 0) {
    sumWithTable(tableOf(place));
    if (!isSumWanted()) return false;
    touchKey(place);
    memory.copy(PUBLIC_KEY_HASH, publicKeyHashOf(place), HASH);
    return true;
  }
  if (!readPoint(KEY)) return false;
  sumWithoutTable();
  if (!isSumWanted()) return false;
  startHash();
  updateHash(KEY, PUBLIC_KEY);
  finishHash(PUBLIC_KEY_HASH);
  noteKey(KEY, POINT, IDENTITY_HASH, PUBLIC_KEY_HASH);
  return true;
}

/** Reads r and s, makes t = r + s and the wanted x = r - e; false when one is out of range. */
function readScalars(): bool {
  readNumber(R, SIGNATURE);
  readNumber(S, SIGNATURE + 32);
  if (isZeroNumber(R) || !isBelow(R, ORDER) || isZeroNumber(S) || !isBelow(S, ORDER)) return false;
  addScalars(T, R, S);
  if (isZeroNumber(T)) return false;
  recode(BASE_DIGITS, S, BASE_WIDTH);
  recode(KEY_DIGITS, T, place < 0 ? SMALL_WIDTH : KEY_WIDTH);
  readNumber(WANTED, DIGEST);
  if (!isBelow(WANTED, ORDER)) subtractNumbers(WANTED, WANTED, ORDER);
  subtractScalars(WANTED, R, WANTED);
  return true;
}

@inline
function digit(digits: usize, position: i32): i32 {
  return load<i16>(digits + (position << 1));
}

/** The sum s·G + t·P of a key that has a table. */
function sumWithTable(table: usize): void {
  const keyRow = <usize>rowLength(KEY_WIDTH) * AFFINE;
  const baseRow = <usize>rowLength(BASE_WIDTH) * AFFINE;
  clearSum();
  for (let bit = ROW_BITS - 1; bit >= 0; bit--) {
    doubleSum();
    for (let row = 0; row < ROWS; row++) {
      const position = row * ROW_BITS + bit;
      const ofKey = digit(KEY_DIGITS, position);
      if (ofKey !== 0) addMultiple(table + <usize>row * keyRow, ofKey);
      const ofBase = digit(BASE_DIGITS, position);
      if (ofBase !== 0) addMultiple(BASE_TABLE + <usize>row * baseRow, ofBase);
    }
  }
}

/** The sum s·G + t·P of the key in POINT. */
function sumWithoutTable(): void {
  buildSmallTable(POINT);
  clearSum();
  for (let position = 255; position >= 0; position--) {
    doubleSum();
    const ofKey = digit(KEY_DIGITS, position);
    if (ofKey !== 0) addSmallMultiple(ofKey);
    const ofBase = digit(BASE_DIGITS, position);
    if (ofBase !== 0) addMultiple(BASE_TABLE, ofBase);
  }
}

/** Whether the affine x of the sum is congruent to the wanted one modulo n. */
function isSumWanted(): bool {
  if (isAtInfinity()) return false;
  toElement(LEFT, WANTED);
  if (hasX(LEFT)) return true;
  // x is below p, which is above n
  if (addNumbers(WANTED, WANTED, ORDER) || !isBelow(WANTED, FIELD_PRIME)) return false;
  toElement(LEFT, WANTED);
  return hasX(LEFT);
}

// What the tests of the parts call; nothing else does.
export { invert, isZero, multiply, normalise, square } from "./field";
export { addAffine, addCached, cacheSum, clearSum, doubleSum, isAtInfinity, SUM } from "./point";
export { tableCount, tablesBuilt } from "./keys";
export { addScalars, recode, subtractScalars, toElement } from "./scalar";
export { buildTable } from "./tables";

setUp();
