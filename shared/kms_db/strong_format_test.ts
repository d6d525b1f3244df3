import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fromHex, toHex } from "../bytes/mod.ts";
import { loadSuite } from "../crypto/mod.ts";
import { SILENT_LOGGER } from "../log/mod.ts";
import { KmsDbError, migrateKmsDb, openKmsDb } from "./mod.ts";
import { unlockUpstream } from "./upstream_format.ts";

const PASSWORD = "correct horse";
// spec/storage_kms.md, C2
const SECRET_HEX = "ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690";
const sm = await loadSuite("sm");
const eth = await loadSuite("eth");

/** One strong file with accounts 1 and 3; tests work on copies, since making it takes a second. */
const FOLDER = Deno.makeTempDirSync({ prefix: "strong_format_" });
globalThis.addEventListener("unload", () => Deno.removeSync(FOLDER, { recursive: true }));
const STRONG = await makeStrong(`${FOLDER}/strong.db`);

async function makeStrong(path: string): Promise<string> {
  const db = await openKmsDb({ path, password: PASSWORD, suite: eth });
  db.insertAccount(fromHex(SECRET_HEX), "first");
  db.insertAccount(eth.generateSecretKey(), "to be removed");
  db.insertAccount(eth.generateSecretKey(), "");
  db.close();
  change(path, "delete from account where id = 2");
  const secrets = { password: PASSWORD, newPassword: null };
  await migrateKmsDb({ path, suite: eth, ...secrets, to: "strong", keepBackup: false });
  return path;
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function copy(name: string): string {
  const path = `${FOLDER}/${name}.db`;
  Deno.copyFileSync(STRONG, path);
  return path;
}

async function problemOf(path: string, password = PASSWORD): Promise<string> {
  try {
    (await openKmsDb({ path, password, suite: eth })).close();
  } catch (error) {
    if (error instanceof KmsDbError) return `${error.problem}: ${error.message}`;
    throw error;
  }
  return "none";
}

Deno.test("a strong file is recognised by itself, its keys sign and new ones are added", async () => {
  const path = copy("use");
  const db = await openKmsDb({ path, password: PASSWORD, suite: eth });
  assert.equal(db.format, "strong");
  assert.equal(db.useKeyPair(1n, ({ secretKey }) => toHex(secretKey)), SECRET_HEX);
  assert.deepEqual(
    db.listAccounts().map(({ keyId, description }) => [keyId, description]),
    [[1n, "first"], [3n, ""]],
  );
  const secretKey = eth.generateSecretKey();
  assert.equal(db.insertAccount(secretKey, "new").keyId, 4n);
  assert.deepEqual(db.useKeyPair(4n, (pair) => pair.secretKey.slice()), secretKey);
  db.verifyAccounts();
  db.close();
});

Deno.test("a strong file holds neither its keys nor a hash of its password", () => {
  const hex = toHex(Deno.readFileSync(STRONG));
  const hash = eth.hash(new TextEncoder().encode(`${PASSWORD}Matthew 5-13`));
  const [key, iv] = [hash.subarray(0, 16), hash.subarray(16)];
  const upstream = eth.keyCipher.encrypt(key, iv, fromHex(SECRET_HEX));
  for (const secret of [SECRET_HEX, toHex(hash), toHex(upstream)]) assert(!hex.includes(secret));
  assert(hex.includes(toHex(eth.publicKeyOf(fromHex(SECRET_HEX)))));
});

Deno.test("upstream's kms finds its tables in a strong file, another password, and leaves", () => {
  const path = copy("upstream");
  const before = toHex(Deno.readFileSync(path));
  for (const [suite, password] of [[eth, PASSWORD], [sm, PASSWORD], [eth, ""]] as const) {
    const database = new DatabaseSync(path);
    const unlocking = { path, password, suite, log: SILENT_LOGGER };
    assert.throws(() => unlockUpstream(database, unlocking), /password mismatch!$/);
    const [config] = database.prepare("select id, typeof(password) p from config").all();
    assert.deepEqual({ ...config }, { id: 1, p: "blob" });
    database.close();
  }
  assert.equal(toHex(Deno.readFileSync(path)), before);
});

Deno.test("a strong file refuses another password and the other suite", async () => {
  const wanted = /^password: Cannot open .*: password mismatch! Or the file is damaged$/;
  assert.match(await problemOf(STRONG, "correct horsf"), wanted);
  assert.match(await problemOf(STRONG, ""), /^password: .*password mismatch!$/);
  await assert.rejects(
    openKmsDb({ path: STRONG, password: PASSWORD, suite: sm }),
    (error) => error instanceof KmsDbError && error.problem === "type",
  );
});

Deno.test("a strong file whose parameters were changed does not open", async () => {
  const path = copy("changed");
  for (const sql of ["memory_kib = 8192, passes = 1", "salt = zeroblob(16)"]) {
    change(path, `update protection set ${sql}`);
    assert.match(await problemOf(path), /^password: /);
    Deno.copyFileSync(STRONG, path);
  }
  change(path, "update config set config_type = 'sm'");
  assert.match(await problemOf(path), /^type: /);
});

Deno.test("a strong file cannot ask for more than its bounds, whatever it holds", async () => {
  const path = copy("hostile");
  const cases: readonly (readonly [change: string, problem: RegExp])[] = [
    ["update protection set memory_kib = 4194304", /memory_kib .* in 8192\.\.262144, got 4194304/],
    ["update protection set memory_kib = 1024", /memory_kib .* got 1024/],
    ["update protection set passes = 1000000", /passes .* in 1\.\.10, got 1000000/],
    ["update protection set passes = 0", /passes .* got 0/],
    ["update protection set passes = 2.5", /passes .* got 2.5/],
    ["update protection set lanes = 'many'", /lanes .* in 1\.\.16, got "many"/],
    ["update protection set salt = zeroblob(1000)", /salt .* 16 bytes, got a blob/],
    ["update protection set version = 2", /version .* must be 1, got 2/],
    ["update protection set kdf = 'md5'", /kdf .* must be "argon2id", got "md5"/],
    ["update protection set cipher = 'rot13'", /cipher .* must be "xchacha20-poly1305"/],
    ["delete from protection", /version .* got undefined/],
    [
      "drop table config; create view config as select 1 as id, zeroblob(1000000000) as password",
      /its tables must be those of version 1 and no others/,
    ],
    ["create trigger t after insert on account begin delete from account; end", /no others/],
    ["alter table config add column b generated always as (zeroblob(1000000000))", /no others/],
    ["delete from config", /must have a password in "config"/],
    ["update config set password = 'text'", /must have a password in "config"/],
  ];
  for (const [sql, problem] of cases) {
    change(path, sql);
    const found = await problemOf(path);
    assert.match(found, /^format: /);
    assert.match(found, problem);
    Deno.copyFileSync(STRONG, path);
  }
});

Deno.test("a sealed key that was changed, cut or moved to another account is refused", async () => {
  const path = copy("moved");
  for (
    const sql of [
      "update account set privkey = (select privkey from account where id = 3) where id = 1",
      "update account set id = 2 where id = 1",
      "update account set pubkey = (select pubkey from account where id = 3) where id = 1",
      "update account set privkey = substr(privkey, 1, 71) where id = 1",
      "update account set privkey = zeroblob(39) where id = 1",
      "update account set privkey = null where id = 1",
    ]
  ) {
    change(path, sql);
    const db = await openKmsDb({ path, password: PASSWORD, suite: eth });
    const keyId = sql.includes("set id") ? 2n : 1n;
    assert.throws(
      () => db.useKeyPair(keyId, () => true),
      (error) => error instanceof KmsDbError && error.problem === "account",
      sql,
    );
    assert.equal(db.useKeyPair(3n, () => true), true);
    db.close();
    Deno.copyFileSync(STRONG, path);
  }
});

Deno.test("a strong file that was cut off is no key database", async () => {
  const path = copy("cut");
  const { size } = Deno.statSync(STRONG);
  for (const kept of [size - 4096, 4096, 100, 16]) {
    Deno.copyFileSync(STRONG, path);
    Deno.truncateSync(path, kept);
    assert.match(await problemOf(path), /^file: .*it must be a key database/, `${kept} of ${size}`);
  }
  // SQLite reads zeros for the end of the last page, where the salt ends
  Deno.copyFileSync(STRONG, path);
  Deno.truncateSync(path, size - 2);
  assert.match(await problemOf(path), /^password: .*Or the file is damaged/);
});

Deno.test("openKmsDb() warns of a file that others may read", async () => {
  const path = copy("wide");
  const warnings: string[] = [];
  const log = { ...SILENT_LOGGER, warn: (line: string) => void warnings.push(line) };
  for (const mode of [0o644, 0o640, 0o600, 0o400 | 0o200]) {
    Deno.chmodSync(path, mode);
    (await openKmsDb({ path, password: PASSWORD, suite: eth, log })).close();
  }
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? "", /MAY READ THE KEYS: .* has mode 644; run: chmod 600/);
});
