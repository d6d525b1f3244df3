import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Bytes, concatBytes, equalSecrets } from "../bytes/mod.ts";
import type { CryptoSuite } from "../crypto/mod.ts";
import { type Logger, SILENT_LOGGER } from "../log/mod.ts";
import { KmsDbError } from "./errors.ts";

/** Appended to the password before it is hashed. */
const SALT = new TextEncoder().encode("Matthew 5-13");

/** Largest rowid of SQLite. */
const KEY_ID_MAX = 2n ** 63n - 1n;

/** How long a statement waits for another process that writes to the file. */
const BUSY_TIMEOUT_MS = 5_000;

const OWNER_ONLY = 0o600;

const SCHEMA = `
  create table if not exists config (
    id integer primary key, password BLOB, config_type TEXT
  );
  create table if not exists account (
    id INTEGER PRIMARY KEY, pubkey BLOB, privkey BLOB, description TEXT
  );
`;

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

/** Which file to open, and how. */
export interface OpenKmsDbOptions {
  /** Created when it is absent; its folder must exist. */
  readonly path: string;
  /** `db_key` of the configuration. */
  readonly password: string;
  /** The file must belong to this suite. */
  readonly suite: CryptoSuite;
  /** Gets the steps of opening as the reference kms logs them; silent by default. */
  readonly log?: Logger;
}

/**
 * Opens a key database, or creates it with this password and suite.
 *
 * @throws {KmsDbError} when the file, the password or the suite is wrong
 */
export function openKmsDb(options: OpenKmsDbOptions): KmsDb {
  const { path } = options;
  let database: DatabaseSync | null = null;
  try {
    createForOwnerOnly(path);
    database = new DatabaseSync(path);
    database.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.exec(SCHEMA);
    return new KmsDb(database, options.suite, unlock(database, options));
  } catch (cause) {
    database?.close();
    if (cause instanceof KmsDbError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const wanted = "it must be a key database that can be written";
    throw new KmsDbError("file", `Cannot open "${path}": ${wanted}, got "${reason}"`, { cause });
  }
}

function createForOwnerOnly(path: string): void {
  try {
    closeSync(openSync(path, "ax", OWNER_ONLY));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Checks the password and the suite, or stores them in a new file; gives the password's hash. */
function unlock(
  database: DatabaseSync,
  { path, password, suite, log = SILENT_LOGGER }: OpenKmsDbOptions,
): Bytes {
  const passwordHash = suite.hash(concatBytes(new TextEncoder().encode(password), SALT));
  const config = database.prepare("select password, config_type from config where id = 1").get();
  if (config === undefined) {
    log.info("get config failed, create new config");
    database.prepare("insert into config (id, password, config_type) values (1, ?, ?)")
      .run(passwordHash, suite.name);
    log.info("store new config");
    return passwordHash;
  }
  const { password: stored, config_type: type } = config;
  log.info(`get old config: type is ${type}`);
  log.info("verify config");
  if (!(stored instanceof Uint8Array && equalSecrets(stored, passwordHash))) {
    throw new KmsDbError("password", `Cannot open "${path}": password mismatch!`);
  }
  if (type !== suite.name) {
    const types = `it must be "${suite.name}", got "${type}"`;
    throw new KmsDbError("type", `Cannot open "${path}": config_type is not match! ${types}`);
  }
  log.info("config check ok!");
  return passwordHash;
}

/** An open key database. Every change is on disk when its method returns. */
export class KmsDb {
  readonly #database: DatabaseSync;
  readonly #suite: CryptoSuite;
  /** The cipher key and the initial vector are halves of the password's hash, for every account. */
  readonly #cipherKey: Bytes;
  readonly #cipherIv: Bytes;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #selectAll: StatementSync;

  /** Use {@linkcode openKmsDb}. */
  constructor(database: DatabaseSync, suite: CryptoSuite, passwordHash: Bytes) {
    this.#database = database;
    this.#suite = suite;
    this.#cipherKey = passwordHash.subarray(0, 16);
    this.#cipherIv = passwordHash.subarray(16, 32);
    this.#insert = database.prepare(
      "insert into account (pubkey, privkey, description) values (?, ?, ?)",
    );
    this.#select = database.prepare("select pubkey, privkey from account where id = ?");
    this.#selectAll = database.prepare("select id, pubkey, description from account order by id");
    this.#selectAll.setReadBigInts(true);
  }

  /** Stores a usable secret key; descriptions may be empty and need not be unique. */
  insertAccount(secretKey: Bytes, description: string): KmsAccount {
    if (!this.#suite.isSecretKey(secretKey)) {
      throw new KmsDbError("account", "Cannot store the account: it must have a usable secret key");
    }
    const publicKey = this.#suite.publicKeyOf(secretKey);
    const encrypted = this.#suite.keyCipher.encrypt(this.#cipherKey, this.#cipherIv, secretKey);
    const { lastInsertRowid } = this.#insert.run(publicKey, encrypted, description);
    const address = this.#suite.addressOf(publicKey);
    return { keyId: BigInt(lastInsertRowid), publicKey, address, description };
  }

  /** The keys of an account; null when there is no such id. */
  findKeyPair(keyId: bigint): KeyPair | null {
    if (keyId < 0n || keyId > KEY_ID_MAX) return null;
    const row = this.#select.get(keyId);
    if (row === undefined) return null;
    const { pubkey: publicKey, privkey: encrypted } = row;
    if (!isPublicKey(publicKey) || !(encrypted instanceof Uint8Array)) throw damaged(keyId);
    const secretKey = this.#suite.keyCipher.decrypt(this.#cipherKey, this.#cipherIv, encrypted);
    if (!this.#suite.isSecretKey(secretKey)) throw damaged(keyId);
    return { secretKey, publicKey };
  }

  /** All accounts, oldest first. */
  listAccounts(): KmsAccount[] {
    return this.#selectAll.all().map(({ id, pubkey: publicKey, description }) => {
      const keyId = BigInt(String(id));
      if (!isPublicKey(publicKey)) throw damaged(keyId);
      const address = this.#suite.addressOf(publicKey);
      return { keyId, publicKey, address, description: String(description ?? "") };
    });
  }

  /** Releases the file; nothing else may be called afterwards. */
  close(): void {
    this.#database.close();
  }
}

function isPublicKey(value: unknown): value is Bytes {
  return value instanceof Uint8Array && value.length === 64;
}

function damaged(keyId: bigint): KmsDbError {
  return new KmsDbError("account", `Cannot use account ${keyId}: its stored keys are damaged`);
}
