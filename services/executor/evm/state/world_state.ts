import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { EMPTY_PROGRAM, Program } from "./program.ts";
import { add, bytesOfWord, sub, toWord, type Word } from "../word.ts";
import { type NodeReader, Trie } from "../trie/mod.ts";
import {
  type Account,
  type Blob,
  decodeAccount,
  EMPTY_BLOB,
  EMPTY_ROOT,
  encodeAccount,
} from "./account.ts";
import { type SlotKey, slotKey, Storage, type StorageParts } from "./storage.ts";

/** An address as a key of a map: the hex digits of its number. */
export type AddressKey = string;

/** The key of an address on the stack. */
export function addressKey(address: Word): AddressKey {
  return address.toString(16);
}

/** Where a state is read. */
export interface StateStore {
  readonly nodes: NodeReader;
  /** Code or abi by its hash, null when there is none. */
  blob(hash: Bytes): Bytes | null;
}

/** What a state is made of. */
export interface WorldStateParts {
  readonly store: StateStore;
  readonly keccak: HashFunction;
  /** Accounts and slots that are kept in memory after reading, before all of them are dropped. */
  readonly readsKeptMax?: number;
}

/** What a commit adds to the store. */
export interface StateChanges {
  readonly root: Bytes;
  readonly nodes: readonly (readonly [hash: Bytes, node: Bytes])[];
  readonly blobs: readonly (readonly [hash: Bytes, bytes: Bytes])[];
}

/** A store lacks bytes that the state refers to: data were lost. */
export class MissingBlobError extends Error {
  override name = "MissingBlobError";
  constructor(key: string) {
    super(`Cannot read the code or abi 0x${key}: the store does not have it`);
  }
}

/** Each with its part of the trie takes about a kilobyte. */
const READS_KEPT_MAX = 100_000;

/** Bytes of code that are kept prepared; each takes up to ten bytes of memory. */
const PROGRAM_BYTES_MAX = 8 * 1024 * 1024;

/** One step that can be taken back: of a slot if there is a storage, else of an account. */
interface Change {
  readonly storage: Storage | null;
  readonly key: SlotKey;
  readonly account: Account | null | undefined;
  readonly value: Word | undefined;
}

/**
 * All accounts: what was written since the last commit over what is in the store. Changes can be
 * taken back to any mark since the last {@linkcode WorldState.settle}. A commit that throws leaves
 * the state unusable; after any other call that throws, roll back.
 */
export class WorldState {
  readonly #store: StateStore;
  readonly #keccak: HashFunction;
  readonly #storageParts: StorageParts;
  readonly #written = new Map<AddressKey, Account | null>();
  readonly #clean = new Map<AddressKey, Account | null>();
  readonly #openStorages = new Set<Storage>();
  readonly #programs = new Map<string, Program>();
  readonly #journal: Change[] = [];
  readonly #readsKeptMax: number;
  #root: Bytes;
  #trie: Trie;
  #kept = 0;
  #programBytes = 0;

  /** @param root root of the account trie, {@linkcode EMPTY_ROOT} for an empty state */
  constructor(root: Bytes, { store, keccak, readsKeptMax = READS_KEPT_MAX }: WorldStateParts) {
    this.#root = root;
    this.#readsKeptMax = readsKeptMax;
    this.#store = store;
    this.#keccak = keccak;
    this.#trie = new Trie(store.nodes, root, keccak);
    const cache = {
      opened: (storage: Storage) => void this.#openStorages.add(storage),
      reading: () => this.#reading(),
      kept: () => void this.#kept++,
    };
    this.#storageParts = { nodes: store.nodes, keccak, cache };
  }

  /** An account, or null. */
  account(key: AddressKey): Account | null {
    const written = this.#written.get(key);
    if (written !== undefined) return written;
    const clean = this.#clean.get(key);
    if (clean !== undefined) return clean;
    this.#reading();
    const bytes = this.#trie.get(addressBytes(key));
    const account = bytes === null ? null : decodeAccount(bytes, this.#storageParts);
    this.#clean.set(key, account);
    return account;
  }

  /** Sets an account, or with null removes it. */
  setAccount(key: AddressKey, account: Account | null): void {
    const previous = this.#written.get(key);
    this.#journal.push({ storage: null, key, account: previous, value: undefined });
    this.#written.set(key, account);
  }

  /** An account, or what it would be like if it existed. */
  accountOrNew(key: AddressKey): Account {
    return this.account(key) ?? this.#newAccount(0);
  }

  /** Makes a fresh account in place of any other, of which only the balance stays. */
  createContract(key: AddressKey): void {
    this.setAccount(key, this.#newAccount(this.balance(key)));
  }

  /** Number of transactions sent, or of contracts created. */
  nonce(key: AddressKey): Word {
    return this.account(key)?.nonce ?? 0;
  }

  /** Counts the nonce up, creating the account if there is none. */
  incrementNonce(key: AddressKey): void {
    const account = this.accountOrNew(key);
    this.setAccount(key, { ...account, nonce: add(account.nonce, 1) });
  }

  /** The balance, 0 without an account. */
  balance(key: AddressKey): Word {
    return this.account(key)?.balance ?? 0;
  }

  /** Takes from one balance, which must suffice, and gives to another; a zero value does nothing. */
  transfer(from: AddressKey, to: AddressKey, value: Word): void {
    if (value === 0) return;
    this.burn(from, value);
    const receiver = this.accountOrNew(to);
    this.setAccount(to, { ...receiver, balance: add(receiver.balance, value) });
  }

  /** Takes from a balance, which must suffice; a zero value does nothing. */
  burn(key: AddressKey, value: Word): void {
    if (value === 0) return;
    const account = this.accountOrNew(key);
    this.setAccount(key, { ...account, balance: sub(account.balance, value) });
  }

  /** The value of a slot. */
  slot(key: AddressKey, slot: Word): Word {
    return this.account(key)?.storage.get(slotKey(slot)) ?? 0;
  }

  /** Sets a slot, creating the account if there is none. */
  setSlot(key: AddressKey, slot: Word, value: Word): void {
    let account = this.#written.get(key) ?? null;
    if (account === null) {
      account = this.accountOrNew(key);
      this.setAccount(key, account);
    }
    const { storage } = account;
    const within = slotKey(slot);
    const previous = storage.written(within);
    this.#journal.push({ storage, key: within, account: undefined, value: previous });
    storage.set(within, value);
  }

  /** The code of an account, prepared; empty without an account. */
  program(key: AddressKey): Program {
    const code = this.account(key)?.code ?? EMPTY_BLOB;
    if (code === EMPTY_BLOB) return EMPTY_PROGRAM;
    const known = this.#programs.get(code.key);
    if (known !== undefined) return known;
    const program = new Program(this.bytesOf(code));
    if (this.#programBytes + program.code.length > PROGRAM_BYTES_MAX) {
      this.#programs.clear();
      this.#programBytes = 0;
    }
    this.#programs.set(code.key, program);
    this.#programBytes += program.code.length;
    return program;
  }

  /** The bytes of a code or abi. */
  bytesOf(blob: Blob): Bytes {
    if (blob === EMPTY_BLOB) return EMPTY_PROGRAM.code;
    const bytes = blob.fresh ?? this.#store.blob(blob.hash);
    if (bytes === null) throw new MissingBlobError(blob.key);
    return bytes;
  }

  /** A mark to which changes can be taken back. */
  mark(): number {
    return this.#journal.length;
  }

  /** Takes all changes since a mark back. */
  rollback(mark: number): void {
    for (let i = this.#journal.length - 1; i >= mark; i--) {
      const change = this.#journal[i];
      if (change === undefined) break;
      if (change.storage !== null) change.storage.set(change.key, change.value);
      else if (change.account === undefined) this.#written.delete(String(change.key));
      else this.#written.set(String(change.key), change.account);
    }
    this.#journal.length = mark;
  }

  /** Makes all changes so far final; marks taken before are void. */
  settle(): void {
    this.#journal.length = 0;
  }

  /** Moves all changes into the trie and tells what has to be stored for them. */
  commit(): StateChanges {
    this.settle();
    const nodes: [Bytes, Bytes][] = [];
    const blobs = new Map<string, readonly [Bytes, Bytes]>();
    const sink = (hash: Bytes, node: Bytes) => void nodes.push([hash, node]);
    for (const [key, account] of this.#written) {
      this.#kept++;
      this.#clean.set(key, account);
      if (account === null) {
        this.#trie.delete(addressBytes(key));
        continue;
      }
      account.storage.commit(sink);
      for (const blob of [account.code, account.abi]) {
        if (blob.fresh === null) continue;
        blobs.set(blob.key, [blob.hash, blob.fresh]);
        blob.fresh = null;
      }
      this.#trie.put(addressBytes(key), encodeAccount(account));
    }
    this.#root = this.#trie.commit(sink);
    this.#written.clear();
    return { root: this.#root, nodes, blobs: [...blobs.values()] };
  }

  #newAccount(balance: Word): Account {
    const storage = new Storage(EMPTY_ROOT, this.#storageParts);
    return { nonce: 0, balance, storage, code: EMPTY_BLOB, abi: EMPTY_BLOB };
  }

  /** Drops everything that was only read once there is too much of it. */
  #reading(): void {
    if (++this.#kept <= this.#readsKeptMax) return;
    this.#kept = 0;
    this.#clean.clear();
    for (const storage of this.#openStorages) storage.forget();
    this.#openStorages.clear();
    this.#trie = new Trie(this.#store.nodes, this.#root, this.#keccak);
  }
}

function addressBytes(key: AddressKey): Bytes {
  return bytesOfWord(toWord(BigInt(`0x${key}`)), 20);
}
