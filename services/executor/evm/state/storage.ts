import { type Bytes, fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import { bytesOfWord, type Word, wordOfBytes } from "../word.ts";
import { decode, encodeUint, RlpError } from "../rlp/mod.ts";
import type { NodeSink, Trie } from "../trie/mod.ts";
import { type RecentLimit, RecentMap } from "./recent_map.ts";

/** An address as a key of a map: the hex digits of its number. */
export type AddressKey = string;

/** A slot as a key of a map: hex text of a wide one, whose low bits alone would be easy to collide. */
export type SlotKey = number | string;

/** The key of a slot. */
export function slotKey(slot: Word): SlotKey {
  return typeof slot === "number" ? slot : slot.toString(16);
}

/** What the storages of one state share. */
export interface StorageParts {
  /** Bounds the slots that are kept in memory. */
  readonly entries: RecentLimit;
  /** Opens the trie of the slots of an address. */
  openTrie(address: AddressKey, root: Bytes): Trie;
  /** Told before a slot is read from the trie: the time to free nodes. */
  reading(storage: Storage): void;
}

/**
 * The slots of one contract as of the last commit; only a commit changes it. It is small until a
 * slot is read: there is one for each account in memory that has slots.
 */
export class Storage {
  readonly #address: AddressKey;
  readonly #parts: StorageParts;
  /** The root as hex text, which takes less memory. */
  #rootKey: string;
  #slots: RecentMap<SlotKey, Word> | null = null;
  #trie: Trie | null = null;

  /** @param root root of the stored trie */
  constructor(address: AddressKey, root: Bytes, parts: StorageParts) {
    this.#address = address;
    this.#rootKey = toHex(root);
    this.#parts = parts;
  }

  /** Root of the trie. */
  get root(): Bytes {
    return fromHex(this.#rootKey);
  }

  /** The value of a slot, 0 when it was never set. */
  get(key: SlotKey): Word {
    return this.#slots?.get(key) ?? this.#read(key);
  }

  /** Moves what was written into the trie; a slot set to 0 leaves it. */
  commit(written: ReadonlyMap<SlotKey, Word>, sink: NodeSink): void {
    this.#parts.reading(this);
    const trie = this.#openTrie();
    for (const [key, value] of written) {
      const slot = slotBytes(key);
      if (value === 0) trie.delete(slot);
      else trie.put(slot, encodeUint(value));
      this.#keep(key, value);
    }
    this.#rootKey = toHex(trie.commit(sink));
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
    return this.#trie ??= this.#parts.openTrie(this.#address, this.root);
  }

  #keep(key: SlotKey, value: Word): void {
    this.#slots ??= new RecentMap(this.#parts.entries);
    this.#slots.set(key, value);
  }

  #read(key: SlotKey): Word {
    this.#parts.reading(this);
    const value = wordOfSlot(this.#openTrie().get(slotBytes(key)));
    this.#keep(key, value);
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
