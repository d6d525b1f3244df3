/**
 * The key database `kms.db`: upstream's format, readable and writable both ways
 * (spec/storage_kms.md, B6), and a strong one that it can be converted to and from.
 *
 * ```ts
 * const suite = await loadSuite("sm");
 * const db = await openKmsDb({ path: "kms.db", password: "123456", suite });
 * const { keyId, address } = db.insertAccount(suite.generateSecretKey(), "my first account");
 * const signature = db.useKeyPair(keyId, ({ secretKey }) => suite.sign(secretKey, message));
 * db.close();
 * ```
 *
 * @module
 */

export { type KeyPair, type KmsAccount, type KmsDb } from "./kms_db.ts";
export { KmsDbError, type KmsDbProblem } from "./errors.ts";
export { migrateKmsDb, type MigrateKmsDbOptions, type Migration } from "./migrate.ts";
export { openKmsDb, type OpenKmsDbOptions } from "./open.ts";
export type { KmsDbFormat } from "./protection.ts";
