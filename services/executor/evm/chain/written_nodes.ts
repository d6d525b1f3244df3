import type { Bytes } from "../../../../shared/bytes/mod.ts";

/** Bits of a filter: with a million nodes in it one of a hundred others seems to be in it, too. */
const BITS = 1 << 24;

/** A set that knows for certain only what is not in it (a Bloom filter of two bits per member). */
class Filter {
  readonly #words = new Uint32Array(BITS / 32);

  /** @param since height of the first block whose nodes are in it */
  constructor(readonly since: bigint) {}

  add(first: number, second: number): void {
    this.#words[first >> 5]! |= 1 << (first & 31);
    this.#words[second >> 5]! |= 1 << (second & 31);
  }

  mayHave(first: number, second: number): boolean {
    return (this.#words[first >> 5]! & (1 << (first & 31))) !== 0 &&
      (this.#words[second >> 5]! & (1 << (second & 31))) !== 0;
  }
}

/**
 * Remembers which nodes the last blocks wrote, in 4 MB at most. It saves the {@linkcode Pruner} to
 * read almost every node that it removes, which would take ten times as long.
 */
export class WrittenNodes {
  readonly #blocks: bigint;
  #young: Filter | null = null;
  #old: Filter | null = null;
  #height = -1n;

  /** @param blocks how many of the last blocks it has to know, as soon as it was told of so many */
  constructor(blocks: bigint) {
    this.#blocks = blocks;
  }

  /** Tells what a block wrote; after a gap all from before is forgotten. */
  add(height: bigint, hashes: Iterable<Bytes>): void {
    if (height !== this.#height + 1n) this.#young = this.#old = null;
    this.#height = height;
    if (this.#young === null || height - this.#young.since >= this.#blocks) {
      this.#old = this.#young;
      this.#young = new Filter(height);
    }
    for (const hash of hashes) this.#young.add(bitsAt(hash, 0), bitsAt(hash, 3));
  }

  /** Whether all blocks from one height to another, the last one, are known. */
  covers(first: bigint, last: bigint): boolean {
    const oldest = this.#old ?? this.#young;
    return oldest !== null && first >= oldest.since && last === this.#height;
  }

  /** Whether one of the blocks that are known may have written a node; false is certain. */
  mayHave(hash: Bytes): boolean {
    const [first, second] = [bitsAt(hash, 0), bitsAt(hash, 3)];
    return [this.#young, this.#old].some((filter) => filter?.mayHave(first, second) ?? false);
  }
}

/** 24 bits of a hash, which are random already. */
function bitsAt(hash: Bytes, at: number): number {
  return (hash[at]! << 16) | (hash[at + 1]! << 8) | hash[at + 2]!;
}
