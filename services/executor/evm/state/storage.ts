import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { bytesOfWord, type Word, wordOfBytes } from "../word.ts";
import { decode, encodeUint, RlpError } from "../rlp/mod.ts";
import { type NodeReader, type NodeSink, Trie } from "../trie/mod.ts";

/** A slot as a key of a map: hex text of a wide one, whose low bits alone would be easy to collide. */
export type SlotKey = number | string;

/** The key of a slot. */
export function slotKey(slot: Word): SlotKey {
  return typeof slot === "number" ? slot : slot.toString(16);
}

/** What every storage of a state shares. */
export interface StorageParts {
  readonly nodes: NodeReader;
  readonly keccak: HashFunction;
  readonly cache: CacheOwner;
}

/** Bounds the memory for what was read. */
export interface CacheOwner {
  /** A storage has a trie in memory from now on. */
  opened(storage: Storage): void;
  /** Something is about to be read and kept; may call {@linkcode Storage.forget} of all. */
  reading(): void;
  /** A committed slot is kept in memory from now on. */
  kept(): void;
}

/** The slots of one contract as of the last commit; only a commit changes it. */
export class Storage {
  #root: Bytes;
  readonly #parts: StorageParts;
  readonly #clean = new Map<SlotKey, Word>();
  #trie: Trie | null = null;

  /** @param root root of the stored trie */
  constructor(root: Bytes, parts: StorageParts) {
    this.#root = root;
    this.#parts = parts;
  }

  /** Root of the trie. */
  get root(): Bytes {
    return this.#root;
  }

  /** The value of a slot, 0 when it was never set. */
  get(key: SlotKey): Word {
    return this.#clean.get(key) ?? this.#read(key);
  }

  /** Moves what was written into the trie; a slot set to 0 leaves it. */
  commit(written: ReadonlyMap<SlotKey, Word>, sink: NodeSink): void {
    if (written.size === 0) return;
    const trie = this.#openTrie();
    for (const [key, value] of written) {
      const slot = slotBytes(key);
      if (value === 0) trie.delete(slot);
      else trie.put(slot, encodeUint(value));
      this.#clean.set(key, value);
      this.#parts.cache.kept();
    }
    this.#root = trie.commit(sink);
  }

  /** Frees what was only read. */
  forget(): void {
    this.#clean.clear();
    this.#trie = null;
  }

  #openTrie(): Trie {
    if (this.#trie === null) {
      this.#trie = new Trie(this.#parts.nodes, this.#root, this.#parts.keccak);
      this.#parts.cache.opened(this);
    }
    return this.#trie;
  }

  #read(key: SlotKey): Word {
    this.#parts.cache.reading();
    const value = wordOfSlot(this.#openTrie().get(slotBytes(key)));
    this.#clean.set(key, value);
    return value;
  }
}

/** Slots that were written over those of the last commit. */
export class WrittenStorage {
  readonly #written = new Map<SlotKey, Word>();

  /** @param committed what is below; null for an account without slots, or that is new */
  constructor(readonly committed: Storage | null) {}

  /** The value of a slot, 0 when it was never set. */
  get(key: SlotKey): Word {
    return this.#written.get(key) ?? this.committed?.get(key) ?? 0;
  }

  /** All that was written. */
  get written(): ReadonlyMap<SlotKey, Word> {
    return this.#written;
  }

  /** Sets a slot, or with undefined forgets that it was written. */
  set(key: SlotKey, value: Word | undefined): void {
    if (value === undefined) this.#written.delete(key);
    else this.#written.set(key, value);
  }
}

function slotBytes(key: SlotKey): Bytes {
  return bytesOfWord(typeof key === "number" ? key : BigInt(`0x${key}`), 32);
}

/** The value of a slot from what the trie has of it, null for a slot that is not there. */
export function wordOfSlot(stored: Bytes | null): Word {
  if (stored === null) return 0;
  const bytes = decode(stored);
  if (bytes instanceof Uint8Array && bytes.length <= 32) return wordOfBytes(bytes);
  throw new RlpError("Cannot read a slot: it must be a string of up to 32 bytes");
}
