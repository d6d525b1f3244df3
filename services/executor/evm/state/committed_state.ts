import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { bytesOfWord, toWord } from "../word.ts";
import { NodeMemory, type NodeReader, type NodeSink, Trie } from "../trie/mod.ts";
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
import { EMPTY_PROGRAM, Program, ProgramCache } from "./program.ts";
import { RecentLimit, RecentMap } from "./recent_map.ts";
import { type AddressKey, Storage, type StorageParts, WrittenStorage } from "./storage.ts";

/** Where a state is read. */
export interface StateStore {
  /** The nodes of the storage of an address of 20 bytes, or with null those of the accounts. */
  nodes(owner: Bytes | null): NodeReader;
  /** Code or abi by its hash, null when there is none. */
  blob(hash: Bytes): Bytes | null;
}

/** How much of a state is kept in memory. */
export interface StateLimits {
  /** Accounts and slots; one takes about 200 bytes, an account with code, abi and slots 550. */
  readonly entriesMax: number;
  /** Nodes of tries, beside those that one block walks over; one takes up to a kilobyte. */
  readonly nodesMax: number;
}

/** What the state of a chain keeps: with its code it stays below 450 MB. */
export const STATE_LIMITS: StateLimits = { entriesMax: 200_000, nodesMax: 200_000 };

/** What a state keeps that is read by one call: below 4 MB, as many calls may be under way. */
export const CALL_LIMITS: StateLimits = { entriesMax: 2_000, nodesMax: 2_000 };

/** What a state is made of. */
export interface CommittedStateParts {
  readonly store: StateStore;
  readonly keccak: HashFunction;
  readonly limits?: StateLimits;
  /** Its own by default. */
  readonly programs?: ProgramCache;
  /** Whether commits tell what they replaced; they do by default. */
  readonly tellsRemoved?: boolean;
}

/** Where a node is stored. */
export interface NodePlace {
  /** Address of the contract whose storage it belongs to, null for a node of the accounts. */
  readonly owner: Bytes | null;
  /** Nibbles that lead to it. */
  readonly path: Bytes;
  readonly hash: Bytes;
}

/** A node to store. */
export interface NewNode extends NodePlace {
  readonly node: Bytes;
}

/** What a commit changes in the store. */
export interface StateChanges {
  readonly root: Bytes;
  readonly nodes: readonly NewNode[];
  readonly blobs: readonly (readonly [hash: Bytes, bytes: Bytes])[];
  /** Nodes of before that the new root does not lead to, unless they are among the new ones. */
  readonly removed: readonly NodePlace[];
  /** Addresses whose storage of before is gone as a whole; its nodes are not listed. */
  readonly cleared: readonly Bytes[];
}

/** A store lacks bytes that the state refers to: data were lost. */
export class MissingBlobError extends Error {
  override name = "MissingBlobError";
  constructor(key: string) {
    super(`Cannot read the code or abi 0x${key}: the store does not have it`);
  }
}

/**
 * All accounts at one root. Overlays read from it while transactions run; only a commit changes it,
 * and then all other overlays are void. A commit that throws leaves the state unusable.
 */
export class CommittedState {
  readonly #store: StateStore;
  readonly #entries: RecentLimit;
  readonly #memory: NodeMemory;
  readonly #accounts: RecentMap<AddressKey, CommittedAccount | null>;
  readonly #programs: ProgramCache;
  readonly #storageParts: StorageParts;
  /** Storages that have nodes in memory. */
  readonly #openStorages = new Set<Storage>();
  readonly #trie: Trie;
  #version = 0;
  /** Code and abis of a commit, from its begin until the store has it; null otherwise. */
  #unstoredBlobs: Map<string, Blob> | null = null;

  /** @param root root of the account trie, {@linkcode EMPTY_ROOT} for an empty state */
  constructor(root: Bytes, parts: CommittedStateParts) {
    const { store, keccak, limits = STATE_LIMITS, programs = new ProgramCache() } = parts;
    const { tellsRemoved = true } = parts;
    this.#store = store;
    this.#entries = new RecentLimit(limits.entriesMax);
    this.#memory = new NodeMemory(limits.nodesMax);
    this.#accounts = new RecentMap(this.#entries);
    this.#programs = programs;
    const trieParts = { keccak, memory: this.#memory, tellsRemoved };
    this.#trie = new Trie(root, { ...trieParts, reader: store.nodes(null) });
    this.#storageParts = {
      entries: this.#entries,
      openTrie: (address, root) =>
        new Trie(root, { ...trieParts, reader: store.nodes(addressBytes(address)) }),
      reading: (storage) => {
        this.#sweep();
        this.#openStorages.add(storage);
      },
    };
  }

  /** Number of commits so far: an overlay made at another version reads a state that is gone. */
  get version(): number {
    return this.#version;
  }

  /** Accounts, slots and nodes in memory, as counted for the limits. */
  get inMemory(): { readonly entries: number; readonly nodes: number } {
    return { entries: this.#entries.weight, nodes: this.#memory.count };
  }

  /** An account, or null. */
  account(key: AddressKey): CommittedAccount | null {
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    this.#sweep();
    const bytes = this.#trie.get(addressBytes(key));
    const open = (root: Bytes) => new Storage(key, root, this.#storageParts);
    const account = bytes === null ? null : decodeAccount(bytes, open);
    this.#accounts.set(key, account);
    return account;
  }

  /** Code, prepared. */
  program(code: Blob): Program {
    if (code === EMPTY_BLOB) return EMPTY_PROGRAM;
    const known = this.#programs.get(code.key);
    if (known !== undefined) return known;
    const program = new Program(this.bytesOf(code));
    this.#programs.set(code.key, program);
    return program;
  }

  /** The bytes of a code or abi. */
  bytesOf(blob: Blob): Bytes {
    if (blob === EMPTY_BLOB) return EMPTY_BYTES;
    const unstored = this.#unstoredBlobs?.get(blob.key) ?? blob;
    const bytes = unstored.fresh ?? this.#store.blob(blob.hash);
    if (bytes === null) throw new MissingBlobError(blob.key);
    return bytes;
  }

  /**
   * Takes over what an overlay wrote and tells what has to be stored for it. Until
   * {@linkcode stored} is called nothing is freed that the store does not have yet.
   */
  commit(written: Iterable<readonly [AddressKey, Account | null]>): StateChanges {
    this.stored();
    const changes = new Changes();
    const unstored = this.#unstoredBlobs = new Map<string, Blob>();
    for (const [key, account] of written) {
      const address = addressBytes(key);
      if (this.#clears(key, account)) changes.cleared.push(address);
      const committed = account && this.#commitAccount(key, account, changes.sinkOf(address));
      this.#accounts.set(key, committed);
      if (committed === null) {
        this.#trie.delete(address);
        continue;
      }
      for (const blob of [committed.code, committed.abi]) {
        if (unstored.has(blob.key)) blob.fresh = null;
        else if (blob.fresh !== null) unstored.set(blob.key, blob);
      }
      this.#trie.put(address, encodeAccount(committed));
    }
    const root = this.#trie.commit(changes.sinkOf(null));
    this.#version++;
    return { ...changes, root, blobs: [...unstored.values()].map(putBlob) };
  }

  /** Tells that the store has what the last commit gave. */
  stored(): void {
    for (const blob of this.#unstoredBlobs?.values() ?? []) blob.fresh = null;
    this.#unstoredBlobs = null;
    this.#sweep();
  }

  /** Whether an account had slots, all of which it loses with the commit. */
  #clears(key: AddressKey, account: Account | null): boolean {
    if (account !== null && committedStorage(account) !== null) return false;
    return (this.account(key)?.storage ?? null) !== null;
  }

  #commitAccount(key: AddressKey, account: Account, sink: NodeSink): CommittedAccount {
    const { storage } = account;
    if (!(storage instanceof WrittenStorage)) return { ...account, storage };
    if (storage.written.size === 0) return { ...account, storage: storage.committed };
    const target = storage.committed ?? new Storage(key, EMPTY_ROOT, this.#storageParts);
    target.commit(storage.written, sink);
    return { ...account, storage: target };
  }

  /** Frees nodes of tries when there are too many, unless the store lacks some of them. */
  #sweep(): void {
    const memory = this.#memory;
    if (!memory.isFull || this.#unstoredBlobs !== null) return;
    memory.begin(memory.isTooMany(memory.count) ? this.#freeNodes() : memory.count);
  }

  /** Frees what was not used lately, or all if that is not enough; gives what is left. */
  #freeNodes(): number {
    let left = this.#trie.sweep();
    for (const storage of this.#openStorages) {
      const leftHere = storage.sweep();
      if (leftHere === 0) this.#openStorages.delete(storage);
      left += leftHere;
    }
    return this.#memory.isTooMany(left) ? this.#forgetNodes() : left;
  }

  #forgetNodes(): number {
    this.#trie.forget();
    for (const storage of this.#openStorages) storage.forget();
    this.#openStorages.clear();
    return 0;
  }
}

/** What a commit gathers. */
class Changes {
  readonly nodes: NewNode[] = [];
  readonly removed: NodePlace[] = [];
  readonly cleared: Bytes[] = [];

  /** Takes the nodes of one trie. */
  sinkOf(owner: Bytes | null): NodeSink {
    return {
      put: (path, hash, node) => void this.nodes.push({ owner, path, hash, node }),
      remove: (path, hash) => void this.removed.push({ owner, path, hash }),
    };
  }
}

function putBlob({ hash, fresh }: Blob): readonly [hash: Bytes, bytes: Bytes] {
  return [hash, fresh ?? EMPTY_BYTES];
}

function addressBytes(key: AddressKey): Bytes {
  return bytesOfWord(toWord(BigInt(`0x${key}`)), 20);
}
