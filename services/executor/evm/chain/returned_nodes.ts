import type { Bytes } from "../../../../shared/bytes/mod.ts";

/** Bits of a filter: with a million nodes in it one of a hundred others seems to be in it, too. */
const BITS = 1 << 24;

/** A set that knows for certain only what is not in it (a Bloom filter of two bits per member). */
class Filter {
  readonly #words = new Uint32Array(BITS / 32);

  add(first: number, second: number): void {
    this.#words[first >> 5]! |= 1 << (first & 31);
    this.#words[second >> 5]! |= 1 << (second & 31);
  }

  mayHave(first: number, second: number): boolean {
    return (this.#words[first >> 5]! & (1 << (first & 31))) !== 0 &&
      (this.#words[second >> 5]! & (1 << (second & 31))) !== 0;
  }
}

/** What the blocks from one height on did. */
class Generation {
  readonly removed = new Filter();
  readonly returned = new Filter();

  constructor(readonly since: bigint) {}
}

/** What a block did, by the hashes of nodes. */
export interface BlockNodes {
  /** Nodes that it replaced. */
  readonly removed: readonly Bytes[];
  /** Nodes that it wrote. */
  readonly written: readonly Bytes[];
}

/**
 * Remembers which nodes were written again after they had been replaced, in 8 MB and for the last
 * blocks. It saves the {@linkcode Pruner} to read almost every node that it removes.
 */
export class ReturnedNodes {
  readonly #blocks: bigint;
  #young: Generation | null = null;
  #old: Generation | null = null;
  #height = -1n;

  /** @param blocks how many of the last blocks it has to know, as soon as it was told of so many */
  constructor(blocks: bigint) {
    this.#blocks = blocks;
  }

  /** Tells what a block did; after a gap all from before is forgotten. */
  add(height: bigint, { removed, written }: BlockNodes): void {
    const { removed: gone, returned } = this.#generationOf(height);
    for (const hash of removed) gone.add(bitsAt(hash, 0), bitsAt(hash, 3));
    for (const hash of written) {
      const first = bitsAt(hash, 0);
      const second = bitsAt(hash, 3);
      const wasRemoved = gone.mayHave(first, second) || this.#old?.removed.mayHave(first, second);
      if (wasRemoved === true) returned.add(first, second);
    }
  }

  /** Whether all blocks from one height to another, the last one, are known. */
  covers(first: bigint, last: bigint): boolean {
    const oldest = this.#old ?? this.#young;
    return oldest !== null && first >= oldest.since && last === this.#height;
  }

  /** Whether a node that one of the known blocks replaced may be needed again; false is certain. */
  mayHave(hash: Bytes): boolean {
    const first = bitsAt(hash, 0);
    const second = bitsAt(hash, 3);
    return (this.#young?.returned.mayHave(first, second) ?? false) ||
      (this.#old?.returned.mayHave(first, second) ?? false);
  }

  #generationOf(height: bigint): Generation {
    if (height !== this.#height + 1n) this.#young = this.#old = null;
    this.#height = height;
    if (this.#young !== null && height - this.#young.since < this.#blocks) return this.#young;
    this.#old = this.#young;
    return this.#young = new Generation(height);
  }
}

/** 24 bits of a hash, which are random already. */
function bitsAt(hash: Bytes, at: number): number {
  return (hash[at]! << 16) | (hash[at + 1]! << 8) | hash[at + 2]!;
}
