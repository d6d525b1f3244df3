import { DatabaseSync } from "node:sqlite";
import { type Bytes, EMPTY_BYTES, toHex } from "../bytes/mod.ts";
import {
  derivePasswordKey,
  generatePasswordSalt,
  PASSWORD_KEY_COST,
  PASSWORD_SALT_SIZE,
  type PasswordKeyCost,
  seal,
  unseal,
} from "../crypto/mod.ts";
import { checkType, KmsDbError, passwordMismatch } from "./errors.ts";
import type { AccountName, KeyProtection, Unlocking } from "./protection.ts";
import { SCHEMA } from "./upstream_format.ts";

const VERSION = 1;
const KDF = "argon2id";
const CIPHER = "xchacha20-poly1305";

/**
 * Makes a file a strong one. The other tables stay those of upstream, so that its programs find
 * their row in `config`, whose password no password hashes to, and stop before they write.
 */
const PROTECTION_TABLE = `
  create table protection (
    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, cipher TEXT NOT NULL,
    kdf TEXT NOT NULL, memory_kib INTEGER NOT NULL, passes INTEGER NOT NULL,
    lanes INTEGER NOT NULL, salt BLOB NOT NULL
  );
`;

/**
 * What a file may ask for: the largest takes 256 MiB and some ten seconds, so that a hostile file
 * cannot take the machine.
 */
const COST_BOUNDS: Readonly<Record<keyof PasswordKeyCost, readonly [min: number, max: number]>> = {
  memoryKib: [8 * 1024, 256 * 1024],
  passes: [1, 10],
  lanes: [1, 16],
};

/** The parameters that a file stores. */
interface Parameters {
  readonly cost: PasswordKeyCost;
  readonly salt: Bytes;
}

/** Whether a file says that it is in the strong format. */
export function isStrong(database: DatabaseSync): boolean {
  return definitionsOf(database).some((sql) => sql.startsWith("CREATE TABLE protection"));
}

/** How everything in a file is defined, in SQLite's words. */
function definitionsOf(database: DatabaseSync): string[] {
  const rows = database.prepare("select sql from sqlite_schema order by name").all();
  return rows.map(({ sql }) => String(sql));
}

/**
 * Refuses a file with other tables than ours: a view or a computed column could make a query run
 * for ever or take all memory.
 */
function checkDefinitions(database: DatabaseSync, path: string): void {
  const ours = new DatabaseSync(":memory:");
  ours.exec(`${SCHEMA} ${PROTECTION_TABLE}`);
  const wanted = definitionsOf(ours).join();
  ours.close();
  if (definitionsOf(database).join() === wanted) return;
  const text =
    `Cannot open "${path}": its tables must be those of version ${VERSION} and no others`;
  throw new KmsDbError("format", text);
}

/** Makes an empty file a strong one. */
export async function createStrong(
  database: DatabaseSync,
  unlocking: Unlocking,
): Promise<KeyProtection> {
  const { path, password, suite } = unlocking;
  if (password === "") {
    throw new KmsDbError("password", `Cannot create "${path}": its password must not be empty`);
  }
  const parameters = { cost: PASSWORD_KEY_COST, salt: generatePasswordSalt() };
  const key = await derivePasswordKey(password, parameters.salt, parameters.cost);
  const proof = seal(key, EMPTY_BYTES, fileContext(suite.name, parameters));
  const { memoryKib, passes, lanes } = parameters.cost;
  // as a whole: a file without its parameters would be one of upstream
  database.exec(`begin immediate; ${SCHEMA} ${PROTECTION_TABLE}`);
  database.prepare("insert into config (id, password, config_type) values (1, ?, ?)")
    .run(proof, suite.name);
  database.prepare("insert into protection values (1, ?, ?, ?, ?, ?, ?, ?)")
    .run(VERSION, CIPHER, KDF, memoryKib, passes, lanes, parameters.salt);
  database.exec("commit");
  return strongProtection(suite.name, key);
}

/** Checks the suite and the password of a strong file: half a second for the file's parameters. */
export async function unlockStrong(
  database: DatabaseSync,
  unlocking: Unlocking,
): Promise<KeyProtection> {
  const { path, password, suite, log } = unlocking;
  checkDefinitions(database, path);
  const config = database.prepare("select password, config_type from config where id = 1").get();
  const proof = config?.password;
  if (!(proof instanceof Uint8Array)) {
    throw new KmsDbError("format", `Cannot open "${path}": it must have a password in "config"`);
  }
  log.info(`get old config: type is ${config?.config_type}`);
  log.info("verify config");
  checkType(config?.config_type, unlocking);
  const parameters = readParameters(database, path);
  if (password === "") throw passwordMismatch(path);
  const key = await derivePasswordKey(password, parameters.salt, parameters.cost);
  if (unseal(key, proof, fileContext(suite.name, parameters)) === null) {
    throw passwordMismatch(path, " Or the file is damaged");
  }
  log.info("config check ok!");
  return strongProtection(suite.name, key);
}

function readParameters(database: DatabaseSync, path: string): Parameters {
  const row = database.prepare("select * from protection where id = 1").get() ?? {};
  const refuse = (name: string, wanted: string): never => {
    const got = row[name] instanceof Uint8Array ? "a blob" : JSON.stringify(row[name]);
    const text = `Cannot open "${path}": ${name} of "protection" must be ${wanted}, got ${got}`;
    throw new KmsDbError("format", text);
  };
  const bounded = (name: string, [min, max]: readonly [number, number]): number => {
    const value = row[name];
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    return refuse(name, `in ${min}..${max}`);
  };
  for (const [name, wanted] of [["version", VERSION], ["cipher", CIPHER], ["kdf", KDF]] as const) {
    if (row[name] !== wanted) refuse(name, JSON.stringify(wanted));
  }
  const cost = {
    memoryKib: bounded("memory_kib", COST_BOUNDS.memoryKib),
    passes: bounded("passes", COST_BOUNDS.passes),
    lanes: bounded("lanes", COST_BOUNDS.lanes),
  };
  const { salt } = row;
  if (!(salt instanceof Uint8Array && salt.length === PASSWORD_SALT_SIZE)) {
    return refuse("salt", `${PASSWORD_SALT_SIZE} bytes`);
  }
  return { cost, salt };
}

function strongProtection(suiteName: string, key: Bytes): KeyProtection {
  return {
    format: "strong",
    protect: (account, secretKey) => seal(key, secretKey, accountContext(suiteName, account)),
    reveal: (account, stored) => unseal(key, stored, accountContext(suiteName, account)),
    forget: () => void key.fill(0),
  };
}

/** A password that opens this context opens the file, and nobody changed its parameters. */
function fileContext(suiteName: string, { cost, salt }: Parameters): Bytes {
  const { memoryKib, passes, lanes } = cost;
  return context("file", suiteName, KDF, memoryKib, passes, lanes, toHex(salt));
}

/** A sealed key opens in its own row only. */
function accountContext(suiteName: string, { keyId, publicKey }: AccountName): Bytes {
  return context("account", suiteName, String(keyId), toHex(publicKey));
}

/** JSON keeps the parts apart whatever they contain. */
function context(...parts: readonly (string | number)[]): Bytes {
  return new TextEncoder().encode(JSON.stringify(["kms.db", VERSION, CIPHER, ...parts]));
}
