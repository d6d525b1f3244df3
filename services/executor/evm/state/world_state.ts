import type { Bytes } from "../../../../shared/bytes/mod.ts";
import { add, sub, type Word } from "../word.ts";
import { type Account, type Blob, EMPTY_BLOB } from "./account.ts";
import type { CommittedState, StateChanges } from "./committed_state.ts";
import { EMPTY_PROGRAM, type Program } from "./program.ts";
import { type AddressKey, type SlotKey, slotKey, WrittenStorage } from "./storage.ts";

export type { AddressKey } from "./storage.ts";

/** The key of an address on the stack. */
export function addressKey(address: Word): AddressKey {
  return address.toString(16);
}

/** Bytes of memory for a change and what it wrote: 230 measured for a slot of wide words. */
const CHANGE_BYTES = 300;

/** One step that can be taken back: of a slot if there is a storage, else of an account. */
interface Change {
  readonly storage: WrittenStorage | null;
  readonly key: SlotKey;
  readonly account: Account | null | undefined;
  readonly value: Word | undefined;
}

/**
 * An overlay: what was written over a committed state, of which several can be alive. Changes can
 * be taken back to any mark since the last {@linkcode WorldState.settle}. After a call that throws,
 * roll back or drop the overlay.
 */
export class WorldState {
  readonly #committed: CommittedState;
  readonly #written = new Map<AddressKey, Account | null>();
  readonly #journal: Change[] = [];
  #version: number;

  constructor(committed: CommittedState) {
    this.#committed = committed;
    this.#version = committed.version;
  }

  /** Whether another overlay was committed since: what lies below is not what it was. */
  get isVoid(): boolean {
    return this.#version !== this.#committed.version;
  }

  /** An account, or null. */
  account(key: AddressKey): Account | null {
    const written = this.#written.get(key);
    return written === undefined ? this.#committed.account(key) : written;
  }

  /** Sets an account, or with null removes it. */
  setAccount(key: AddressKey, account: Account | null): void {
    const previous = this.#written.get(key);
    this.#journal.push({ storage: null, key, account: previous, value: undefined });
    this.#written.set(key, account);
  }

  /** An account, or what it would be like if it existed. */
  accountOrNew(key: AddressKey): Account {
    return this.account(key) ?? newAccount(0);
  }

  /** Makes a fresh account in place of any other, of which only the balance stays. */
  createContract(key: AddressKey): void {
    this.setAccount(key, newAccount(this.balance(key)));
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
    return this.account(key)?.storage?.get(slotKey(slot)) ?? 0;
  }

  /** Sets a slot, creating the account if there is none. */
  setSlot(key: AddressKey, slot: Word, value: Word): void {
    const storage = this.#writableStorage(key);
    const within = slotKey(slot);
    const previous = storage.written.get(within);
    this.#journal.push({ storage, key: within, account: undefined, value: previous });
    storage.set(within, value);
  }

  /** The code of an account, prepared; empty without an account. */
  program(key: AddressKey): Program {
    const code = this.account(key)?.code ?? EMPTY_BLOB;
    return code === EMPTY_BLOB ? EMPTY_PROGRAM : this.#committed.program(code);
  }

  /** The bytes of a code or abi. */
  bytesOf(blob: Blob): Bytes {
    return this.#committed.bytesOf(blob);
  }

  /** Bytes of memory for the changes that can be taken back. */
  get changeBytes(): number {
    return CHANGE_BYTES * this.#journal.length;
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

  /**
   * Moves all changes into the committed state and tells what has to be stored for them. All other
   * overlays are void from then on; this one is empty.
   */
  commit(): StateChanges {
    if (this.isVoid) throw new Error("Cannot commit: another overlay was committed before");
    this.settle();
    const changes = this.#committed.commit(this.#written);
    this.#written.clear();
    this.#version = this.#committed.version;
    return changes;
  }

  #writableStorage(key: AddressKey): WrittenStorage {
    const account = this.accountOrNew(key);
    if (account.storage instanceof WrittenStorage) return account.storage;
    const storage = new WrittenStorage(account.storage);
    this.setAccount(key, { ...account, storage });
    return storage;
  }
}

function newAccount(balance: Word): Account {
  return { nonce: 0, balance, storage: null, code: EMPTY_BLOB, abi: EMPTY_BLOB };
}
