import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { type Word, wordOfBytes } from "../word.ts";
import { executorHash, type Header } from "./header.ts";

/** How far BLOCKHASH reaches back (spec/executor_evm.md, section 9). */
const REACH = 255n;

/** Hashes kept in memory: enough for contracts that ask for all of them. */
const KNOWN_MAX = 1_024;

/** Executor hashes of past blocks as contracts see them. */
export class BlockHashes {
  readonly #headerAt: (height: bigint) => Header;
  readonly #hash: HashFunction;
  readonly #known = new Map<bigint, Word>();

  /** @param headerAt header of an executed height */
  constructor(headerAt: (height: bigint) => Header, hash: HashFunction) {
    this.#headerAt = headerAt;
    this.#hash = hash;
  }

  /** BLOCKHASH in a block: of the heights before it, and of the genesis in block 1 only. */
  inBlock(height: bigint, asked: Word): Word {
    const wanted = BigInt(asked);
    if (wanted >= height || wanted < height - REACH || (wanted === 0n && height > 1n)) return 0;
    return this.#at(wanted);
  }

  /**
   * BLOCKHASH in a read-only call: as in the block after the current one, but shifted by one, so
   * that the height below the current one gives the hash of the current one. The reference does so.
   */
  inCall(currentHeight: bigint, asked: Word): Word {
    return this.inBlock(currentHeight + 1n, BigInt(asked) + 1n);
  }

  #at(height: bigint): Word {
    let word = this.#known.get(height);
    if (word === undefined) {
      word = wordOfBytes(executorHash(this.#headerAt(height), this.#hash));
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.set(height, word);
    }
    return word;
  }
}
