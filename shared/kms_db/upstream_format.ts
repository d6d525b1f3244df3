import type { DatabaseSync } from "node:sqlite";
import { type Bytes, equalSecrets } from "../bytes/mod.ts";
import type { KeyCipher } from "../crypto/mod.ts";
import { checkType, passwordMismatch } from "./errors.ts";
import type { KeyProtection, Unlocking } from "./protection.ts";

/** Appended to the password before it is hashed. */
const SALT = "Matthew 5-13";

/** The tables of both formats. */
export const SCHEMA = `
  create table if not exists config (
    id integer primary key, password BLOB, config_type TEXT
  );
  create table if not exists account (
    id INTEGER PRIMARY KEY, pubkey BLOB, privkey BLOB, description TEXT
  );
`;

/**
 * Checks the password and the suite of a file in upstream's format, or stores them in a new file
 * (spec/storage_kms.md, B6).
 */
export function unlockUpstream(database: DatabaseSync, unlocking: Unlocking): KeyProtection {
  const { path, password, suite, log } = unlocking;
  database.exec(SCHEMA);
  const salted = new TextEncoder().encode(password + SALT);
  const passwordHash = suite.hash(salted);
  salted.fill(0);
  const config = database.prepare("select password, config_type from config where id = 1").get();
  if (config === undefined) {
    log.info("get config failed, create new config");
    database.prepare("insert into config (id, password, config_type) values (1, ?, ?)")
      .run(passwordHash, suite.name);
    log.info("store new config");
    return upstreamProtection(suite.keyCipher, passwordHash);
  }
  const { password: stored, config_type: type } = config;
  log.info(`get old config: type is ${type}`);
  log.info("verify config");
  if (!(stored instanceof Uint8Array && equalSecrets(stored, passwordHash))) {
    throw passwordMismatch(path);
  }
  checkType(type, unlocking);
  log.info("config check ok!");
  return upstreamProtection(suite.keyCipher, passwordHash);
}

/** The cipher key and the initial vector are halves of the password's hash, for every account. */
function upstreamProtection(cipher: KeyCipher, passwordHash: Bytes): KeyProtection {
  const key = passwordHash.subarray(0, 16);
  const iv = passwordHash.subarray(16, 32);
  return {
    format: "upstream",
    protect: (_, secretKey) => cipher.encrypt(key, iv, secretKey),
    reveal: (_, stored) => cipher.decrypt(key, iv, stored),
    forget: () => void passwordHash.fill(0),
  };
}
