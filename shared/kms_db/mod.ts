/**
 * The key database `kms.db` of upstream's kms and cloud-config, readable and writable both ways
 * (spec/storage_kms.md, B6).
 *
 * ```ts
 * const suite = await loadSuite("sm");
 * const db = openKmsDb({ path: "kms.db", password: "123456", suite });
 * const { keyId, address } = db.insertAccount(suite.generateSecretKey(), "my first account");
 * const keyPair = db.findKeyPair(keyId); // { secretKey, publicKey }, null for an unknown id
 * db.close();
 * ```
 *
 * The stored password hash is the key material: whoever has the file has the keys. Files are
 * therefore created for their owner only (mode 0600).
 *
 * @module
 */

export {
  type KeyPair,
  type KmsAccount,
  KmsDb,
  openKmsDb,
  type OpenKmsDbOptions,
} from "./kms_db.ts";
export { KmsDbError, type KmsDbProblem } from "./errors.ts";
