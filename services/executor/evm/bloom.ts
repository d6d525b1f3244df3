import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";

/** Size of a log bloom in bytes. */
export const BLOOM_SIZE = 256;

/** The part of a log that its bloom depends on; the data never matters. */
export interface BloomLog {
  readonly address: Bytes;
  readonly topics: readonly Bytes[];
}

/** Log bloom of a receipt (spec/executor_evm.md, 11.3); `keccak` in every build. */
export function bloomOf(logs: readonly BloomLog[], keccak: HashFunction): Bytes {
  const bloom = new Uint8Array(BLOOM_SIZE);
  for (const log of logs) {
    addItem(bloom, keccak(log.address));
    for (const topic of log.topics) addItem(bloom, keccak(topic));
  }
  return bloom;
}

/** Bloom of a block: every bit of its receipts' blooms. */
export function mergeBlooms(blooms: readonly Bytes[]): Bytes {
  const merged = new Uint8Array(BLOOM_SIZE);
  for (const bloom of blooms) {
    for (let i = 0; i < BLOOM_SIZE; i++) merged[i] = (merged[i] ?? 0) | (bloom[i] ?? 0);
  }
  return merged;
}

/** Three 11-bit indexes from the byte pairs (0,1), (2,3) and (4,5) of the hash. */
function addItem(bloom: Bytes, hash: Bytes): void {
  for (let pair = 0; pair < 6; pair += 2) {
    const bit = (((hash[pair] ?? 0) << 8) | (hash[pair + 1] ?? 0)) & 0x7ff;
    const index = BLOOM_SIZE - 1 - (bit >> 3);
    bloom[index] = (bloom[index] ?? 0) | (1 << (bit & 7));
  }
}
