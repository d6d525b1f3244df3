import type { Bytes } from "../../../shared/bytes/mod.ts";

/*
 * A 64-bit word is two 32-bit halves in Int32Array slots: BigInt would take seconds for a block of
 * some megabytes.
 */

const V0_LOW = 0;
const V0_HIGH = 1;
const V1_LOW = 2;
const V1_HIGH = 3;
const V2_LOW = 4;
const V2_HIGH = 5;
const V3_LOW = 6;
const V3_HIGH = 7;

/** "somepseudorandomlygeneratedbytes" of the SipHash paper, mixed with the key 0,0. */
const INITIAL_STATE = [
  0x70736575,
  0x736f6d65,
  0x6e646f6d,
  0x646f7261,
  0x6e657261,
  0x6c796765,
  0x79746573,
  0x74656462,
];

/** SipHash-1-3 with the key 0,0 over several byte strings, as eight little-endian bytes. */
export function sipHash13(...parts: readonly Bytes[]): Bytes {
  const state = Int32Array.from(INITIAL_STATE);
  let size = 0;
  let low = 0;
  let high = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const byte = part[i] ?? 0;
      const position = size & 7;
      if (position < 4) low |= byte << (8 * position);
      else high |= byte << (8 * (position - 4));
      size++;
      if (position === 7) {
        absorb(state, low, high);
        low = 0;
        high = 0;
      }
    }
  }
  absorb(state, low, high | (size << 24));
  state[V2_LOW] = at(state, V2_LOW) ^ 0xff;
  for (let i = 0; i < 3; i++) round(state);
  const digest = new Uint8Array(8);
  const view = new DataView(digest.buffer);
  const fold = (a: number, b: number, c: number, d: number) =>
    at(state, a) ^ at(state, b) ^ at(state, c) ^ at(state, d);
  view.setInt32(0, fold(V0_LOW, V1_LOW, V2_LOW, V3_LOW), true);
  view.setInt32(4, fold(V0_HIGH, V1_HIGH, V2_HIGH, V3_HIGH), true);
  return digest;
}

function at(state: Int32Array, index: number): number {
  return state[index] ?? 0;
}

function absorb(state: Int32Array, low: number, high: number): void {
  state[V3_LOW] = at(state, V3_LOW) ^ low;
  state[V3_HIGH] = at(state, V3_HIGH) ^ high;
  round(state);
  state[V0_LOW] = at(state, V0_LOW) ^ low;
  state[V0_HIGH] = at(state, V0_HIGH) ^ high;
}

function round(state: Int32Array): void {
  addRotateXor(state, V0_LOW, V1_LOW, 13);
  swapHalves(state, V0_LOW);
  addRotateXor(state, V2_LOW, V3_LOW, 16);
  addRotateXor(state, V0_LOW, V3_LOW, 21);
  addRotateXor(state, V2_LOW, V1_LOW, 17);
  swapHalves(state, V2_LOW);
}

/** a += b; b = rotate(b, bits) ^ a; the arguments are the slots of the low halves. */
function addRotateXor(state: Int32Array, a: number, b: number, bits: number): void {
  const bLow = at(state, b);
  const bHigh = at(state, b + 1);
  const low = (at(state, a) >>> 0) + (bLow >>> 0);
  const aLow = low | 0;
  const aHigh = (at(state, a + 1) + bHigh + (low > 0xffff_ffff ? 1 : 0)) | 0;
  state[a] = aLow;
  state[a + 1] = aHigh;
  state[b] = ((bLow << bits) | (bHigh >>> (32 - bits))) ^ aLow;
  state[b + 1] = ((bHigh << bits) | (bLow >>> (32 - bits))) ^ aHigh;
}

/** Rotation by 32 bits. */
function swapHalves(state: Int32Array, a: number): void {
  const low = at(state, a);
  state[a] = at(state, a + 1);
  state[a + 1] = low;
}
