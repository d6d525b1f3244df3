import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { bytesOfWord, toWord } from "../word.ts";
import { type NodeReader, type NodeSink, Trie } from "../trie/mod.ts";
import {
  type Account,
  type Blob,
  type CommittedAccount,
  committedStorage,
  decodeAccount,
  EMPTY_BLOB,
  EMPTY_ROOT,
  encodeAccount,
} from "./account.ts";
import { EMPTY_PROGRAM, Program } from "./program.ts";
import { Storage, type StorageParts, WrittenStorage } from "./storage.ts";

/** An address as a key of a map: the hex digits of its number. */
export type AddressKey = string;

/** Where a state is read. */
export interface StateStore {
  readonly nodes: NodeReader;
  /** Code or abi by its hash, null when there is none. */
  blob(hash: Bytes): Bytes | null;
}

/** What a state is made of. */
export interface CommittedStateParts {
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

/**
 * All accounts at one root. Overlays read from it while transactions run; only a commit changes it,
 * and then all other overlays are void. A commit that throws leaves the state unusable.
 */
export class CommittedState {
  readonly #store: StateStore;
  readonly #keccak: HashFunction;
  readonly #storageParts: StorageParts;
  readonly #accounts = new Map<AddressKey, CommittedAccount | null>();
  readonly #openStorages = new Set<Storage>();
  readonly #programs = new Map<string, Program>();
  readonly #readsKeptMax: number;
  #root: Bytes;
  #trie: Trie;
  #version = 0;
  #kept = 0;
  #programBytes = 0;

  /** @param root root of the account trie, {@linkcode EMPTY_ROOT} for an empty state */
  constructor(root: Bytes, { store, keccak, readsKeptMax = READS_KEPT_MAX }: CommittedStateParts) {
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

  /** Number of commits so far: an overlay made at another version reads a state that is gone. */
  get version(): number {
    return this.#version;
  }

  /** An account, or null. */
  account(key: AddressKey): CommittedAccount | null {
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    this.#reading();
    const bytes = this.#trie.get(addressBytes(key));
    const account = bytes === null ? null : decodeAccount(bytes, this.#storageParts);
    this.#accounts.set(key, account);
    return account;
  }

  /** Code, prepared. */
  program(code: Blob): Program {
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

  /** Takes over what an overlay wrote and tells what has to be stored for it. */
  commit(written: Iterable<readonly [AddressKey, Account | null]>): StateChanges {
    const nodes: [Bytes, Bytes][] = [];
    const blobs = new Map<string, readonly [Bytes, Bytes]>();
    const sink = (hash: Bytes, node: Bytes) => void nodes.push([hash, node]);
    for (const [key, account] of written) {
      this.#kept++;
      const committed = account && { ...account, storage: this.#commitStorage(account, sink) };
      this.#accounts.set(key, committed);
      if (committed === null) {
        this.#trie.delete(addressBytes(key));
        continue;
      }
      for (const blob of [committed.code, committed.abi]) {
        if (blob.fresh === null) continue;
        blobs.set(blob.key, [blob.hash, blob.fresh]);
        blob.fresh = null;
      }
      this.#trie.put(addressBytes(key), encodeAccount(committed));
    }
    this.#root = this.#trie.commit(sink);
    this.#version++;
    return { root: this.#root, nodes, blobs: [...blobs.values()] };
  }

  #commitStorage(account: Account, sink: NodeSink): Storage | null {
    const committed = committedStorage(account);
    const { storage } = account;
    if (!(storage instanceof WrittenStorage) || storage.written.size === 0) return committed;
    const target = committed ?? new Storage(EMPTY_ROOT, this.#storageParts);
    target.commit(storage.written, sink);
    return target;
  }

  /** Drops everything that was only read once there is too much of it. */
  #reading(): void {
    if (++this.#kept <= this.#readsKeptMax) return;
    this.#kept = 0;
    this.#accounts.clear();
    for (const storage of this.#openStorages) storage.forget();
    this.#openStorages.clear();
    this.#trie = new Trie(this.#store.nodes, this.#root, this.#keccak);
  }
}

function addressBytes(key: AddressKey): Bytes {
  return bytesOfWord(toWord(BigInt(`0x${key}`)), 20);
}
