import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { toHex } from "../bytes/mod.ts";
import { loadSuite } from "../crypto/mod.ts";
import { KmsDbError, migrateKmsDb, type MigrateKmsDbOptions, openKmsDb } from "./mod.ts";

const VECTORS = new URL("../../tests/vectors/kms/", import.meta.url);
const PASSWORD = "123456";
const sm = await loadSuite("sm");

async function withFile(test: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    const path = `${folder}/kms.db`;
    Deno.copyFileSync(new URL("kms_sm.db", VECTORS), path);
    Deno.chmodSync(path, 0o644);
    await test(path, folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function migrate(path: string, options: Partial<MigrateKmsDbOptions>) {
  const plain = { suite: sm, password: PASSWORD, newPassword: null, keepBackup: false };
  return migrateKmsDb({ path, to: "strong", ...plain, ...options });
}

function refuses(problem: string, text: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof KmsDbError && error.problem === problem && text.test(error.message);
}

const modeOf = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Rows as they are, the cipher aside. */
function rowsOf(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const select = database.prepare("select id, hex(pubkey) p, description d from account");
  select.setReadBigInts(true);
  const rows = select.all().map((row) => ({ ...row }));
  database.close();
  return rows;
}

/** What upstream stores of its secrets. */
function privkeysOf(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare(
    "select hex(privkey) k from account union select hex(password) " +
      "from config",
  ).all();
  database.close();
  return rows.map(({ k }) => k);
}

async function secretsOf(path: string, password: string): Promise<(string | null)[]> {
  const db = await openKmsDb({ path, password, suite: sm });
  const secrets = db.listAccounts()
    .map(({ keyId }) => db.useKeyPair(keyId, ({ secretKey }) => toHex(secretKey)));
  db.close();
  return secrets;
}

Deno.test("migrateKmsDb() to strong and back keeps ids with gaps, descriptions and keys", () =>
  withFile(async (path, folder) => {
    const raw = new DatabaseSync(path);
    raw.exec("update account set id = 9007199254740993 where id = 2");
    raw.exec("update account set description = null where id = 9007199254740993");
    raw.close();
    const asText = () => toHex(Deno.readFileSync(path));
    const rows = rowsOf(path);
    const secrets = await secretsOf(path, PASSWORD);
    const upstreamRows = privkeysOf(path);

    const there = await migrate(path, { newPassword: "long and new" });
    assert.deepEqual(there?.accounts.map(({ keyId }) => keyId), [1n, 9007199254740993n]);
    assert.equal(there?.from, "upstream");
    assert.deepEqual([there?.backupPath, there?.isOverwritten], [null, true]);
    assert.equal(modeOf(path), 0o600);
    assert.deepEqual(rowsOf(path), rows);
    assert.deepEqual(await secretsOf(path, "long and new"), secrets);
    for (const secret of secrets) assert(!asText().includes(secret ?? ""));

    const back = await migrate(path, {
      to: "upstream",
      password: "long and new",
      newPassword: PASSWORD,
    });
    assert.equal(back?.from, "strong");
    assert.deepEqual(rowsOf(path), rows);
    // the same password gives the same bytes as the reference kms wrote
    assert.deepEqual(privkeysOf(path), upstreamRows);
    assert.deepEqual(namesIn(folder), ["kms.db"]);
  }));

Deno.test("migrateKmsDb() overwrites the old file, unless a backup or another link keeps it", () =>
  withFile(async (path, folder) => {
    const before = toHex(Deno.readFileSync(path));
    const kept = await migrate(path, { keepBackup: true });
    assert.equal(kept?.backupPath, `${Deno.realPathSync(folder)}/kms.db.upstream.backup`);
    assert.equal(toHex(Deno.readFileSync(`${path}.upstream.backup`)), before);
    assert.equal(modeOf(`${path}.upstream.backup`), 0o600);

    await migrate(path, { to: "upstream" });
    await assert.rejects(
      migrate(path, { keepBackup: true }),
      refuses("file", /kms\.db\.upstream\.backup" must not be there/),
    );
    Deno.linkSync(path, `${folder}/other link`);
    const linked = await migrate(path, {});
    assert.equal(linked?.isOverwritten, false);
    assert.deepEqual(
      await secretsOf(`${folder}/other link`, PASSWORD),
      await secretsOf(path, PASSWORD),
    );
  }));

Deno.test("migrateKmsDb() leaves zeros where the old file was", () =>
  withFile(async (path) => {
    const old = Deno.openSync(path);
    const bytes = new Uint8Array(old.statSync().size);
    await migrate(path, {});
    old.readSync(bytes);
    old.close();
    assert(bytes.length > 0 && bytes.every((byte) => byte === 0));
  }));

Deno.test("migrateKmsDb() refuses a file that is open, and openKmsDb() one in conversion", () =>
  withFile(async (path) => {
    const db = await openKmsDb({ path, password: PASSWORD, suite: sm });
    await assert.rejects(migrate(path, {}), refuses("busy", /stop the kms first/));
    db.close();
    const conversion = migrate(path, {});
    await assert.rejects(
      openKmsDb({ path, password: PASSWORD, suite: sm }),
      refuses("busy", /is being converted/),
    );
    await conversion;
  }));

Deno.test("migrateKmsDb() changes nothing when it must refuse", () =>
  withFile(async (path, folder) => {
    const before = toHex(Deno.readFileSync(path));
    await assert.rejects(migrate(path, { password: "wrong" }), refuses("password", /mismatch/));
    await assert.rejects(migrate(path, { newPassword: "" }), refuses("password", /not be empty/));
    await assert.rejects(migrate(`${folder}/absent`, {}), refuses("file", /Cannot convert/));
    assert.equal(await migrate(path, { to: "upstream" }), null);
    assert.equal(toHex(Deno.readFileSync(path)), before);

    // upstream's cipher has no check value: what decrypts to the key of another is found here
    const raw = new DatabaseSync(path);
    raw.exec("update account set privkey = (select privkey from account where id = 1)");
    raw.close();
    const damaged = toHex(Deno.readFileSync(path));
    await assert.rejects(migrate(path, {}), refuses("account", /account 2.*damaged/));
    assert.equal(toHex(Deno.readFileSync(path)), damaged);
    assert.deepEqual(namesIn(folder), ["kms.db"]);
  }));

Deno.test("migrateKmsDb() removes what a run that was killed left, and follows a link", () =>
  withFile(async (path, folder) => {
    Deno.writeTextFileSync(`${path}.migrating`, "half");
    Deno.writeTextFileSync(`${path}.migrating-journal`, "half");
    Deno.linkSync(path, `${path}.upstream.backup`);
    Deno.symlinkSync("kms.db", `${folder}/link.db`);
    await migrate(`${folder}/link.db`, { keepBackup: true });
    assert.deepEqual(namesIn(folder), ["kms.db", "kms.db.upstream.backup", "link.db"]);
    assert(Deno.lstatSync(`${folder}/link.db`).isSymlink);
    assert.equal((await secretsOf(path, PASSWORD)).length, 2);
  }));

Deno.test("migrateKmsDb() makes a strong file of an empty one", () =>
  withFile(async (path) => {
    Deno.truncateSync(path);
    const migration = await migrate(path, { newPassword: "new" });
    assert.deepEqual(migration?.accounts, []);
    const db = await openKmsDb({ path, password: "new", suite: sm });
    assert.equal(db.format, "strong");
    assert.equal(db.insertAccount(sm.generateSecretKey(), "").keyId, 1n);
    db.close();
  }));
