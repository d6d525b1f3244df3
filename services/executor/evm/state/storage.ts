import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { bytesOfWord, type Word, wordOfBytes } from "../word.ts";
import { decode, encodeUint, RlpError } from "../rlp/mod.ts";
import { type NodeSink, Trie, type TrieParts } from "../trie/mod.ts";
import { type RecentLimit, RecentMap } from "./recent_map.ts";

/** A slot as a key of a map: hex text of a wide one, whose low bits alone would be easy to collide. */
export type SlotKey = number | string;

/** The key of a slot. */
export function slotKey(slot: Word): SlotKey {
  return typeof slot === "number" ? slot : slot.toString(16);
}

/** What a storage is made of. */
export interface StorageParts extends TrieParts {
  /** Bounds the slots that are kept in memory. */
  readonly entries: RecentLimit;
  /** Told before a slot is read from the trie: the time to free nodes. */
  reading(storage: Storage): void;
}

/** The slots of one contract as of the last commit; only a commit changes it. */
export class Storage {
  #root: Bytes;
  readonly #parts: StorageParts;
  readonly #slots: RecentMap<SlotKey, Word>;
  #trie: Trie | null = null;

  /** @param root root of the stored trie */
  constructor(root: Bytes, parts: StorageParts) {
    this.#root = root;
    this.#parts = parts;
    this.#slots = new RecentMap(parts.entries);
  }

  /** Root of the trie. */
  get root(): Bytes {
    return this.#root;
  }

  /** The value of a slot, 0 when it was never set. */
  get(key: SlotKey): Word {
    return this.#slots.get(key) ?? this.#read(key);
  }

  /** Moves what was written into the trie; a slot set to 0 leaves it. */
  commit(written: ReadonlyMap<SlotKey, Word>, sink: NodeSink): void {
    this.#parts.reading(this);
    const trie = this.#openTrie();
    for (const [key, value] of written) {
      const slot = slotBytes(key);
      if (value === 0) trie.delete(slot);
      else trie.put(slot, encodeUint(value));
      this.#slots.set(key, value);
    }
    this.#root = trie.commit(sink);
  }

  /** Frees nodes that were not used lately, as {@linkcode Trie.sweep}; gives how many are left. */
  sweep(): number {
    const left = this.#trie?.sweep() ?? 0;
    if (left === 0) this.#trie = null;
    return left;
  }

  /** Frees all nodes. */
  forget(): void {
    this.#trie = null;
  }

  #openTrie(): Trie {
    return this.#trie ??= new Trie(this.#root, this.#parts);
  }

  #read(key: SlotKey): Word {
    this.#parts.reading(this);
    const value = wordOfSlot(this.#openTrie().get(slotBytes(key)));
    this.#slots.set(key, value);
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
