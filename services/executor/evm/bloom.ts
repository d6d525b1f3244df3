import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { RecentLimit, RecentMap } from "./state/recent_map.ts";

/** Size of a log bloom in bytes. */
export const BLOOM_SIZE = 256;

/** The part of a log that its bloom depends on; the data never matters. */
export interface BloomLog {
  readonly address: Bytes;
  readonly topics: readonly Bytes[];
}

/** Bloom of a receipt without logs. */
export const EMPTY_BLOOM: Bytes = new Uint8Array(BLOOM_SIZE);

/** Items whose bits are kept: contracts, events and users come again and again. */
const KNOWN_MAX = 50_000;

/** Log blooms of receipts (spec/executor_evm.md, 11.3). */
export class LogBlooms {
  readonly #keccak: HashFunction;
  readonly #known = new RecentMap<string, number>(new RecentLimit(KNOWN_MAX));

  /** @param keccak Keccak-256, in every build */
  constructor(keccak: HashFunction) {
    this.#keccak = keccak;
  }

  /** The bloom of the logs of a transaction, {@linkcode EMPTY_BLOOM} when there are none. */
  of(logs: readonly BloomLog[]): Bytes {
    if (logs.length === 0) return EMPTY_BLOOM;
    const bloom = new Uint8Array(BLOOM_SIZE);
    for (const { address, topics } of logs) {
      this.#add(bloom, address);
      for (const topic of topics) this.#add(bloom, topic);
    }
    return bloom;
  }

  #add(bloom: Bytes, item: Bytes): void {
    const key = toHex(item);
    let bits = this.#known.get(key);
    if (bits === undefined) {
      bits = bitsOf(this.#keccak(item));
      this.#known.set(key, bits);
    }
    for (let i = 0; i < 3; i++, bits = Math.floor(bits / BITS)) {
      const bit = bits % BITS;
      const index = BLOOM_SIZE - 1 - (bit >> 3);
      bloom[index] = (bloom[index] ?? 0) | (1 << (bit & 7));
    }
  }
}

/** Bloom of a block: every bit of its receipts' blooms. */
export function mergeBlooms(blooms: readonly Bytes[]): Bytes {
  const merged = new Uint8Array(BLOOM_SIZE);
  for (const bloom of blooms) {
    for (let i = 0; i < BLOOM_SIZE; i++) merged[i] = (merged[i] ?? 0) | (bloom[i] ?? 0);
  }
  return merged;
}

const BITS = 8 * BLOOM_SIZE;

/** The three bits of a hash, 11 bits each, from its byte pairs (0,1), (2,3) and (4,5). */
function bitsOf(hash: Bytes): number {
  let bits = 0;
  for (let pair = 0; pair < 6; pair += 2) {
    bits = bits * BITS + ((((hash[pair] ?? 0) << 8) | (hash[pair + 1] ?? 0)) % BITS);
  }
  return bits;
}
