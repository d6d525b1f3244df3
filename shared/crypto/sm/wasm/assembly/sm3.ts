/**
 * SM3 (GB/T 32905), one message at a time.
 *
 * @module
 */

const BLOCK: usize = 64;

/** Bytes of a hash. */
export const HASH: i32 = 32;

const INITIAL: usize = memory.data<u32>([
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
]);
const STATE: usize = memory.data(HASH);
const PENDING: usize = memory.data(64);
const WORDS: usize = memory.data(68 * 4);
let length: usize = 0;

@inline
function mixState(x: u32): u32 {
  return x ^ rotl(x, 9) ^ rotl(x, 17);
}

@inline
function mixWord(x: u32): u32 {
  return x ^ rotl(x, 15) ^ rotl(x, 23);
}

function compress(block: usize): void {
  for (let i: usize = 0; i < BLOCK; i += 4) store<u32>(WORDS + i, bswap(load<u32>(block + i)));
  for (let i: usize = WORDS + BLOCK; i < WORDS + 68 * 4; i += 4) {
    const mixed = mixWord(load<u32>(i - 64) ^ load<u32>(i - 36) ^ rotl(load<u32>(i - 12), 15));
    store<u32>(i, mixed ^ rotl(load<u32>(i - 52), 7) ^ load<u32>(i - 24));
  }
  let a = load<u32>(STATE);
  let b = load<u32>(STATE + 4);
  let c = load<u32>(STATE + 8);
  let d = load<u32>(STATE + 12);
  let e = load<u32>(STATE + 16);
  let f = load<u32>(STATE + 20);
  let g = load<u32>(STATE + 24);
  let h = load<u32>(STATE + 28);
  for (let round = 0; round < 64; round++) {
    const isEarly = round < 16;
    const constant: u32 = isEarly ? 0x79cc4519 : 0x7a879d8a;
    const turned = rotl(a, 12);
    const first = rotl(turned + e + rotl(constant, round & 31), 7);
    const second = first ^ turned;
    const word = load<u32>(WORDS + (round << 2));
    const later = load<u32>(WORDS + (round << 2) + 16);
    const chosen = isEarly ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
    const other = isEarly ? e ^ f ^ g : (e & f) | (~e & g);
    const left = chosen + d + second + (word ^ later);
    const right = other + h + first + word;
    d = c;
    c = rotl(b, 9);
    b = a;
    a = left;
    h = g;
    g = rotl(f, 19);
    f = e;
    e = mixState(right);
  }
  addToState(0, a);
  addToState(4, b);
  addToState(8, c);
  addToState(12, d);
  addToState(16, e);
  addToState(20, f);
  addToState(24, g);
  addToState(28, h);
}

@inline
function addToState(offset: usize, value: u32): void {
  store<u32>(STATE + offset, load<u32>(STATE + offset) ^ value);
}

/** Starts a message. */
export function startHash(): void {
  memory.copy(STATE, INITIAL, HASH);
  length = 0;
}

/** Starts a message whose first `hashed` bytes, whole blocks, gave this state. */
export function resumeHash(state: usize, hashed: usize): void {
  memory.copy(STATE, state, HASH);
  length = hashed;
}

/** Copies the state after whole blocks, for {@linkcode resumeHash}. */
export function saveHash(state: usize): void {
  memory.copy(state, STATE, HASH);
}

/** Appends bytes to the message. */
export function updateHash(data: usize, size: usize): void {
  let used = length % BLOCK;
  length += size;
  while (used + size >= BLOCK) {
    const taken = BLOCK - used;
    memory.copy(PENDING + used, data, taken);
    compress(PENDING);
    data += taken;
    size -= taken;
    used = 0;
  }
  memory.copy(PENDING + used, data, size);
}

/** Ends the message and writes its hash. */
export function finishHash(out: usize): void {
  let used = length % BLOCK;
  store<u8>(PENDING + used, 0x80);
  used += 1;
  if (used > BLOCK - 8) {
    memory.fill(PENDING + used, 0, BLOCK - used);
    compress(PENDING);
    used = 0;
  }
  memory.fill(PENDING + used, 0, BLOCK - 8 - used);
  store<u64>(PENDING + BLOCK - 8, bswap((<u64>length) << 3));
  compress(PENDING);
  for (let i: usize = 0; i < <usize>HASH; i += 4) store<u32>(out + i, bswap(load<u32>(STATE + i)));
}
