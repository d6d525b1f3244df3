import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fromHex, toHex } from "../bytes/mod.ts";
import { loadSuite, type SuiteName } from "../crypto/mod.ts";
import type { Logger } from "../log/mod.ts";
import { SILENT_LOGGER } from "../log/mod.ts";
import { KmsDbError, openKmsDb } from "./mod.ts";

const VECTORS = new URL("../../tests/vectors/kms/", import.meta.url);
const PASSWORD = "123456";
const sm = await loadSuite("sm");
const eth = await loadSuite("eth");
const suiteOf = (name: SuiteName) => name === "sm" ? sm : eth;

interface RecordedAccount {
  readonly pubkey: string;
  readonly encrypted_privkey: string;
  readonly address: string;
  readonly tried: readonly { readonly privkey: string; readonly pubkey_matches: boolean }[];
}

type RecordedKeys = Readonly<
  Record<SuiteName, {
    readonly password_hash: string;
    readonly accounts: readonly RecordedAccount[];
  }>
>;

const RECORDED: RecordedKeys = JSON.parse(
  Deno.readTextFileSync(new URL("kms_keys.json", VECTORS)),
);

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await test(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

async function problemOf(open: () => unknown): Promise<string> {
  try {
    await open();
  } catch (error) {
    if (error instanceof KmsDbError) return `${error.problem}: ${error.message}`;
    throw error;
  }
  return "none";
}

function secretKeyOf({ tried }: RecordedAccount): string {
  return tried.find((attempt) => attempt.pubkey_matches)?.privkey ?? "";
}

Deno.test("openKmsDb() reads a file of the reference kms and adds to it", () => {
  return withFolder(async (folder) => {
    const path = `${folder}/kms.db`;
    Deno.copyFileSync(new URL("kms_sm.db", VECTORS), path);
    const db = await openKmsDb({ path, password: PASSWORD, suite: sm });
    const accounts = db.listAccounts();
    assert.deepEqual(accounts.map((account) => account.keyId), [1n, 2n]);
    assert.deepEqual(accounts.map((account) => account.description), ["golden one", ""]);
    RECORDED.sm.accounts.forEach((recorded, i) => {
      const account = accounts[i];
      assert(account !== undefined);
      assert.equal(toHex(account.publicKey), recorded.pubkey);
      assert.equal(toHex(account.address), recorded.address);
      const secretHex = db.useKeyPair(account.keyId, ({ secretKey, publicKey }) => {
        assert.deepEqual(publicKey, account.publicKey);
        return toHex(secretKey);
      });
      assert.equal(secretHex, secretKeyOf(recorded));
    });
    assert.equal(db.insertAccount(sm.generateSecretKey(), "third").keyId, 3n);
    db.close();
  });
});

for (const name of ["sm", "eth"] as const) {
  Deno.test(`openKmsDb() writes ${name} files as the reference kms does`, () => {
    return withFolder(async (folder) => {
      const path = `${folder}/kms.db`;
      const db = await openKmsDb({ path, password: PASSWORD, suite: suiteOf(name) });
      for (const recorded of RECORDED[name].accounts) {
        const account = db.insertAccount(fromHex(secretKeyOf(recorded)), "imported privkey");
        assert.equal(toHex(account.address), recorded.address);
      }
      db.close();
      const raw = new DatabaseSync(path, { readOnly: true });
      const config = raw.prepare("select id, hex(password) p, config_type t from config").all();
      assert.deepEqual(config.map(({ id, p, t }) => [id, p, t]), [
        [1, RECORDED[name].password_hash.toUpperCase(), name],
      ]);
      const rows = raw.prepare("select *, typeof(description) d from account").all();
      rows.forEach((row, i) => {
        const recorded = RECORDED[name].accounts[i];
        assert.equal(row.id, i + 1);
        assert.deepEqual(row.pubkey, fromHex(recorded?.pubkey ?? ""));
        assert.deepEqual(row.privkey, fromHex(recorded?.encrypted_privkey ?? ""));
        assert.deepEqual([row.description, row.d], ["imported privkey", "text"]);
      });
      const reference = new DatabaseSync(new URL("kms_sm.db", VECTORS), { readOnly: true });
      assert.deepEqual(columnsOf(raw), columnsOf(reference));
      raw.close();
      reference.close();
    });
  });
}

function columnsOf(database: DatabaseSync): unknown[] {
  return ["config", "account"].map((table) =>
    database.prepare(`select name, upper(type) as type, pk from pragma_table_info('${table}')`)
      .all()
  );
}

Deno.test("openKmsDb() creates files for their owner only, and nothing beside them", () => {
  return withFolder(async (folder) => {
    (await openKmsDb({ path: `${folder}/kms.db`, password: PASSWORD, suite: sm })).close();
    assert.equal((Deno.statSync(`${folder}/kms.db`).mode ?? 0) & 0o777, 0o600);
    assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["kms.db"]);
  });
});

Deno.test("openKmsDb() refuses another password, the other suite and what is no database", () => {
  return withFolder(async (folder) => {
    const path = `${folder}/kms.db`;
    (await openKmsDb({ path, password: PASSWORD, suite: sm })).close();
    assert.equal(
      await problemOf(() => openKmsDb({ path, password: "1234567", suite: sm })),
      `password: Cannot open "${path}": password mismatch!`,
    );
    // the hash functions differ: the password is what does not match first
    assert.match(
      await problemOf(() => openKmsDb({ path, password: PASSWORD, suite: eth })),
      /^password:/,
    );
    const raw = new DatabaseSync(path);
    raw.prepare("update config set config_type = 'eth'").run();
    raw.close();
    assert.match(
      await problemOf(() => openKmsDb({ path, password: PASSWORD, suite: sm })),
      /^type: .*config_type is not match!/,
    );
    const text = `${folder}/text`;
    Deno.writeTextFileSync(text, "no database at all".repeat(100));
    for (const path of [text, folder, `${folder}/absent/kms.db`, ""]) {
      const problem = await problemOf(() => openKmsDb({ path, password: PASSWORD, suite: sm }));
      assert.match(problem, new RegExp(`^file: Cannot open "${path}": it must be a key database`));
    }
  });
});

Deno.test("openKmsDb() logs what it finds in the words of the reference kms", () => {
  return withFolder(async (folder) => {
    const lines: string[] = [];
    const log: Logger = { ...SILENT_LOGGER, info: (line) => lines.push(line) };
    const options = { path: `${folder}/kms.db`, password: PASSWORD, suite: eth, log };
    (await openKmsDb(options)).close();
    (await openKmsDb(options)).close();
    assert.deepEqual(lines, [
      "get config failed, create new config",
      "store new config",
      "get old config: type is eth",
      "verify config",
      "config check ok!",
    ]);
  });
});

Deno.test("KmsDb.useKeyPair() knows stored ids only, whatever the number", () => {
  return withFolder(async (folder) => {
    const db = await openKmsDb({ path: `${folder}/kms.db`, password: PASSWORD, suite: eth });
    db.insertAccount(eth.generateSecretKey(), "");
    for (const keyId of [0n, 2n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      assert.equal(db.useKeyPair(keyId, () => true), null);
    }
    assert.equal(db.useKeyPair(1n, () => true), true);
    db.close();
  });
});

Deno.test("KmsDb reports damaged accounts and refuses unusable keys", () => {
  return withFolder(async (folder) => {
    const path = `${folder}/kms.db`;
    const db = await openKmsDb({ path, password: PASSWORD, suite: sm });
    for (const secretKey of [new Uint8Array(32), new Uint8Array(31).fill(1)]) {
      assert.match(
        await problemOf(() => db.insertAccount(secretKey, "")),
        /^account: .*usable secret key/,
      );
    }
    const raw = new DatabaseSync(path);
    const insert = raw.prepare("insert into account (pubkey, privkey) values (?, ?)");
    insert.run(new Uint8Array(64), new Uint8Array(31));
    insert.run("text", null);
    raw.close();
    for (const keyId of [1n, 2n]) {
      assert.equal(
        await problemOf(() => db.useKeyPair(keyId, () => true)),
        `account: Cannot use account ${keyId}: its stored keys are damaged`,
      );
    }
    assert.match(await problemOf(() => db.listAccounts()), /account 2/);
    db.close();
  });
});
