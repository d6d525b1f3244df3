import type { Bytes } from "../bytes/mod.ts";

/**
 * SipHash-1-3 with the keys (0, 0) as eight little-endian bytes. Words are pairs of 32-bit halves,
 * which is some thirty times faster than 64-bit integers of the language; records hold whole blocks.
 */
export function sipHash13(data: Bytes): Bytes {
  const state = new SipState();
  state.absorbLast(data, data.length);
  return state.finish();
}

/**
 * SipHash-1-3 of a length as u64 and the bytes of that length, as Rust hashes a slice: the checksum
 * of a record (spec/consensus.md, section 6.2).
 */
export function sipHash13OfSlice(data: Bytes): Bytes {
  const state = new SipState();
  state.absorb(data.length, 0);
  state.absorbLast(data, 8 + data.length);
  return state.finish();
}

/** The four words v0..v3, low and high halves; initial values are those of the algorithm. */
class SipState {
  #l0 = 0x70736575;
  #h0 = 0x736f6d65;
  #l1 = 0x6e646f6d;
  #h1 = 0x646f7261;
  #l2 = 0x6e657261;
  #h2 = 0x6c796765;
  #l3 = 0x79746573;
  #h3 = 0x74656462;

  absorb(low: number, high: number): void {
    this.#l3 ^= low;
    this.#h3 ^= high;
    this.#round();
    this.#l0 ^= low;
    this.#h0 ^= high;
  }

  /** The end of what is hashed, and how long all of that is. */
  absorbLast(data: Bytes, totalSize: number): void {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const wholeSize = data.length - (data.length % 8);
    for (let i = 0; i < wholeSize; i += 8) {
      this.absorb(view.getInt32(i, true), view.getInt32(i + 4, true));
    }
    let low = 0;
    let high = (totalSize & 0xff) << 24;
    for (let i = wholeSize; i < data.length; i++) {
      const shift = 8 * (i & 3);
      const byte = data[i] ?? 0;
      if (i - wholeSize < 4) low |= byte << shift;
      else high |= byte << shift;
    }
    this.absorb(low, high);
  }

  finish(): Bytes {
    this.#l2 ^= 0xff;
    for (let i = 0; i < 3; i++) this.#round();
    const view = new DataView(new ArrayBuffer(8));
    view.setInt32(0, this.#l0 ^ this.#l1 ^ this.#l2 ^ this.#l3, true);
    view.setInt32(4, this.#h0 ^ this.#h1 ^ this.#h2 ^ this.#h3, true);
    return new Uint8Array(view.buffer);
  }

  #round(): void {
    let l0 = this.#l0, h0 = this.#h0, l1 = this.#l1, h1 = this.#h1;
    let l2 = this.#l2, h2 = this.#h2, l3 = this.#l3, h3 = this.#h3;
    let low = (l0 >>> 0) + (l1 >>> 0);
    h0 = (h0 + h1 + (low > 0xffffffff ? 1 : 0)) | 0;
    l0 = low | 0;
    low = (l2 >>> 0) + (l3 >>> 0);
    h2 = (h2 + h3 + (low > 0xffffffff ? 1 : 0)) | 0;
    l2 = low | 0;
    // v1 <<< 13, v3 <<< 16
    let high = (h1 << 13) | (l1 >>> 19);
    l1 = (l1 << 13) | (h1 >>> 19);
    h1 = high;
    high = (h3 << 16) | (l3 >>> 16);
    l3 = (l3 << 16) | (h3 >>> 16);
    h3 = high;
    l1 ^= l0;
    h1 ^= h0;
    l3 ^= l2;
    h3 ^= h2;
    // v0 <<< 32
    high = l0;
    l0 = h0;
    h0 = high;
    low = (l2 >>> 0) + (l1 >>> 0);
    h2 = (h2 + h1 + (low > 0xffffffff ? 1 : 0)) | 0;
    l2 = low | 0;
    low = (l0 >>> 0) + (l3 >>> 0);
    h0 = (h0 + h3 + (low > 0xffffffff ? 1 : 0)) | 0;
    l0 = low | 0;
    // v1 <<< 17, v3 <<< 21
    high = (h1 << 17) | (l1 >>> 15);
    l1 = (l1 << 17) | (h1 >>> 15);
    h1 = high;
    high = (h3 << 21) | (l3 >>> 11);
    l3 = (l3 << 21) | (h3 >>> 11);
    h3 = high;
    this.#l1 = l1 ^ l2;
    this.#h1 = h1 ^ h2;
    this.#l3 = l3 ^ l0;
    this.#h3 = h3 ^ h0;
    // v2 <<< 32
    this.#l2 = h2;
    this.#h2 = l2;
    this.#l0 = l0;
    this.#h0 = h0;
  }
}
