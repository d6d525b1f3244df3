const MASK = 0xffff_ffff_ffff_ffffn;

/** What the reference appends to a text that it hashes. */
const TEXT_END = 0xffn;

/**
 * The origin of a neighbour: SipHash-1-3 with a key of zeros over `host:port`, as configured, and
 * one byte 0xff (spec/network.md, section 4.6). Stable over reconnects and restarts; it uses the
 * whole range of 64 bits.
 */
export function originOf({ host, port }: { readonly host: string; readonly port: number }): bigint {
  const bytes = new TextEncoder().encode(`${host}:${port}`);
  const state = {
    v0: 0x736f6d6570736575n,
    v1: 0x646f72616e646f6dn,
    v2: 0x6c7967656e657261n,
    v3: 0x7465646279746573n,
  };
  const message = [...bytes].map(BigInt).concat(TEXT_END);
  const lastWord = BigInt(message.length & 0xff) << 56n;
  const wordCount = Math.floor(message.length / 8);
  for (let index = 0; index < wordCount; index++) {
    compress(state, littleEndian(message.slice(8 * index, 8 * index + 8)));
  }
  compress(state, littleEndian(message.slice(8 * wordCount)) | lastWord);
  state.v2 ^= 0xffn;
  for (let round = 0; round < 3; round++) sipRound(state);
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

interface State {
  v0: bigint;
  v1: bigint;
  v2: bigint;
  v3: bigint;
}

function compress(state: State, word: bigint): void {
  state.v3 ^= word;
  sipRound(state);
  state.v0 ^= word;
}

function sipRound(state: State): void {
  state.v0 = (state.v0 + state.v1) & MASK;
  state.v1 = rotate(state.v1, 13n) ^ state.v0;
  state.v0 = rotate(state.v0, 32n);
  state.v2 = (state.v2 + state.v3) & MASK;
  state.v3 = rotate(state.v3, 16n) ^ state.v2;
  state.v0 = (state.v0 + state.v3) & MASK;
  state.v3 = rotate(state.v3, 21n) ^ state.v0;
  state.v2 = (state.v2 + state.v1) & MASK;
  state.v1 = rotate(state.v1, 17n) ^ state.v2;
  state.v2 = rotate(state.v2, 32n);
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function littleEndian(bytes: readonly bigint[]): bigint {
  return bytes.reduceRight((word, byte) => (word << 8n) | byte, 0n);
}
