import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type Bytes, equalBytes } from "../bytes/mod.ts";
import type { CryptoSuite } from "../crypto/mod.ts";
import { KmsDbError } from "./errors.ts";
import type { FileLock } from "./file_lock.ts";
import type { KeyProtection, KmsDbFormat } from "./protection.ts";

/** Largest rowid of SQLite. */
const KEY_ID_MAX = 2n ** 63n - 1n;

/** A stored account without its secret. */
export interface KmsAccount {
  /** 1 for the first account of a file. */
  readonly keyId: bigint;
  /** 64 bytes X‖Y. */
  readonly publicKey: Bytes;
  /** 20 bytes. */
  readonly address: Bytes;
  readonly description: string;
}

/** The keys of an account. */
export interface KeyPair {
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
}

/** What an open key database is made of. */
export interface KmsDbParts {
  readonly database: DatabaseSync;
  readonly suite: CryptoSuite;
  readonly protection: KeyProtection;
  readonly lock: FileLock | null;
}

/** A row of the table `account`, its columns unchecked. */
interface AccountRow {
  readonly keyId: bigint;
  readonly publicKey: unknown;
  readonly stored: unknown;
  readonly description: string | null;
}

/** An open key database. Every change is on disk when its method returns. */
export class KmsDb {
  readonly #database: DatabaseSync;
  readonly #suite: CryptoSuite;
  readonly #protection: KeyProtection;
  readonly #lock: FileLock | null;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #selectAll: StatementSync;
  readonly #selectLast: StatementSync;

  /** Use `openKmsDb`. */
  constructor({ database, suite, protection, lock }: KmsDbParts) {
    this.#database = database;
    this.#suite = suite;
    this.#protection = protection;
    this.#lock = lock;
    this.#insert = database.prepare(
      "insert into account (id, pubkey, privkey, description) values (?, ?, ?, ?)",
    );
    this.#select = prepareWithBigInts(
      database,
      "select id, pubkey, privkey, description from account where id = ?",
    );
    this.#selectAll = prepareWithBigInts(
      database,
      "select id, pubkey, privkey, description from account order by id",
    );
    this.#selectLast = prepareWithBigInts(
      database,
      "select count(*) as count, max(id) as last from account",
    );
  }

  get format(): KmsDbFormat {
    return this.#protection.format;
  }

  /**
   * Stores a usable secret key, which stays the caller's to overwrite; descriptions may be empty
   * and need not be unique.
   */
  insertAccount(secretKey: Bytes, description: string): KmsAccount {
    if (!this.#suite.isSecretKey(secretKey)) {
      throw new KmsDbError("account", "Cannot store the account: it must have a usable secret key");
    }
    const publicKey = this.#suite.publicKeyOf(secretKey);
    const keyId = this.#inTransaction(() => {
      const keyId = this.#nextKeyId();
      this.#insertRow({ keyId, publicKey, description }, secretKey);
      return keyId;
    });
    return { keyId, publicKey, address: this.#suite.addressOf(publicKey), description };
  }

  /**
   * Lends the keys of an account to `use`; the secret key is overwritten when it returns.
   *
   * @returns what `use` returns; null when there is no such id
   * @throws {KmsDbError} of kind "account" when its stored keys are damaged, of kind "file" when the
   *   file cannot be read; what `use` throws
   */
  useKeyPair<Result>(keyId: bigint, use: (keyPair: KeyPair) => Result): Result | null {
    if (keyId < 0n || keyId > KEY_ID_MAX) return null;
    const row = this.#find(keyId);
    return row === null ? null : this.#reveal(row, use);
  }

  /** The id of the account when there is exactly one; null otherwise. */
  findOnlyKeyId(): bigint | null {
    const { count, last } = this.#selectLast.get() ?? {};
    return count === 1n && typeof last === "bigint" ? last : null;
  }

  /** All accounts, oldest first. */
  listAccounts(): KmsAccount[] {
    return this.#selectAll.all().map((row) => {
      const { keyId, publicKey, description } = readRow(row);
      if (!isPublicKey(publicKey)) throw damaged(keyId);
      const address = this.#suite.addressOf(publicKey);
      return { keyId, publicKey, address, description: description ?? "" };
    });
  }

  /** Adds every account of another file, with its id and description, all of them or none. */
  copyAccounts(source: KmsDb): void {
    this.#inTransaction(() => {
      for (const row of source.#selectAll.all().map(readRow)) {
        source.#reveal(row, ({ secretKey, publicKey }) => {
          this.#insertRow({ ...row, publicKey }, secretKey);
        });
      }
    });
  }

  /** Checks that every secret key can be read and belongs to its public key; throws otherwise. */
  verifyAccounts(): void {
    for (const row of this.#selectAll.all().map(readRow)) {
      this.#reveal(row, ({ secretKey, publicKey }) => {
        if (!equalBytes(this.#suite.publicKeyOf(secretKey), publicKey)) throw damaged(row.keyId);
      });
    }
  }

  /** Releases the file and overwrites its cipher key; nothing else may be called afterwards. */
  close(): void {
    this.#protection.forget();
    this.#database.close();
    this.#lock?.close();
  }

  #find(keyId: bigint): AccountRow | null {
    try {
      const row = this.#select.get(keyId);
      return row === undefined ? null : readRow(row);
    } catch (cause) {
      throw new KmsDbError("file", `Cannot read account ${keyId} of the file`, { cause });
    }
  }

  #insertRow(account: Omit<AccountRow, "stored"> & { publicKey: Bytes }, secretKey: Bytes): void {
    const { keyId, publicKey, description } = account;
    const stored = this.#protection.protect({ keyId, publicKey }, secretKey);
    this.#insert.run(keyId, publicKey, stored, description);
  }

  #reveal<Result>(row: AccountRow, use: (keyPair: KeyPair) => Result): Result {
    const { keyId, publicKey, stored } = row;
    if (!isPublicKey(publicKey) || !(stored instanceof Uint8Array)) throw damaged(keyId);
    const secretKey = this.#protection.reveal({ keyId, publicKey }, stored);
    if (secretKey === null) throw damaged(keyId);
    try {
      if (!this.#suite.isSecretKey(secretKey)) throw damaged(keyId);
      return use({ secretKey, publicKey });
    } finally {
      secretKey.fill(0);
    }
  }

  /** As SQLite chooses it; it must be known before the key is sealed. */
  #nextKeyId(): bigint {
    const last = this.#selectLast.get()?.last;
    if (typeof last !== "bigint") return 1n;
    if (last < KEY_ID_MAX) return last + 1n;
    throw new KmsDbError("account", "Cannot store the account: there is no key id left");
  }

  #inTransaction<Result>(work: () => Result): Result {
    this.#database.exec("begin immediate");
    try {
      const result = work();
      this.#database.exec("commit");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("rollback");
      throw error;
    }
  }
}

function prepareWithBigInts(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

function readRow({ id, pubkey, privkey, description }: Record<string, unknown>): AccountRow {
  const keyId = BigInt(String(id));
  const text = description === null ? null : String(description);
  return { keyId, publicKey: pubkey, stored: privkey, description: text };
}

function isPublicKey(value: unknown): value is Bytes {
  return value instanceof Uint8Array && value.length === 64;
}

function damaged(keyId: bigint): KmsDbError {
  return new KmsDbError("account", `Cannot use account ${keyId}: its stored keys are damaged`);
}
