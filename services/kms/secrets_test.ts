import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fromHex, toHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../shared/config/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { KmsDbError, migrateKmsDb, openKmsDb } from "../../shared/kms_db/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { CryptoServiceService } from "../../proto/gen/crypto.ts";
import { KmsServiceService } from "../../proto/gen/kms.ts";
import { connect } from "../../shared/rpc/mod.ts";
import { KMS_SM_TABLE } from "./sm/config.ts";
import { startCrypto, startKms } from "./start.ts";
import { KMS_DEFAULTS } from "./testing/served_kms.ts";

const PASSWORD = "xyzzy-plugh-17";
// spec/storage_kms.md, C2
const SECRET_HEX = "ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690";
const eth = await loadSuite("eth");

/** Every line of every level, with the errors in its fields and what caused them. */
function transcript(): {
  readonly log: Logger;
  readonly add: (error: unknown) => void;
  text(): string;
} {
  const parts: string[] = [];
  const add = (value: unknown): void => {
    if (value instanceof Error) {
      parts.push(value.name, value.message, value.stack ?? "");
      add(value.cause);
    } else if (value instanceof Uint8Array) {
      parts.push(toHex(value));
    } else if (typeof value === "object" && value !== null) {
      for (const part of Object.values(value)) add(part);
    } else {
      parts.push(String(value));
    }
  };
  const write = (line: string, fields?: unknown) => [line, fields].forEach(add);
  const log: Logger = {
    error: write,
    warn: write,
    info: write,
    debug: write,
    trace: write,
    child: () => log,
  };
  return { log, add, text: () => parts.join("\n") };
}

/** The secrets of a session in the forms in which they could come out. */
function formsOfSecrets(): string[] {
  const password = new TextEncoder().encode(PASSWORD);
  const passwordHash = eth.hash(new TextEncoder().encode(`${PASSWORD}Matthew 5-13`));
  const secretKey = fromHex(SECRET_HEX);
  return [
    PASSWORD,
    ...[password, passwordHash.subarray(0, 16), secretKey].flatMap((secret) => [
      toHex(secret),
      toHex(secret).toUpperCase(),
      secret.toBase64().replace(/=+$/, ""),
      secret.join(","),
    ]),
    String(BigInt(`0x${SECRET_HEX}`)),
  ];
}

Deno.test("no log line and no error text of a session holds a password or a key", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/kms.db`;
  const { log, add, text } = transcript();
  const fails = async (work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      return add(error);
    }
    assert.fail("it must fail");
  };
  const config = { ...KMS_DEFAULTS, db_path: path, db_key: PASSWORD };
  const context = { config, clock: SYSTEM_CLOCK, log };
  try {
    const db = await openKmsDb({ path, password: PASSWORD, suite: eth, log });
    db.insertAccount(fromHex(SECRET_HEX), "imported");
    await fails(() => db.insertAccount(fromHex(`${SECRET_HEX}00`), ""));
    db.close();
    Deno.chmodSync(path, 0o644);

    const kms = await startKms("eth", context);
    const client = connect(KmsServiceService, { port: kms.port });
    const crypto = connect(CryptoServiceService, { port: kms.port });
    const msg = new Uint8Array(32).fill(1);
    for (const keyId of [1n, 2n]) add(await client.signMessage({ keyId, msg }));
    add(await crypto.signMessage({ msg: new Uint8Array() }));
    const damage = new DatabaseSync(path);
    damage.exec("insert into account (pubkey, privkey) select pubkey, zeroblob(5) from account");
    await client.signMessage({ keyId: 2n, msg });
    damage.exec("delete from account where id = 2");
    damage.close();
    client.close();
    crypto.close();
    await fails(() => startKms("eth", { ...context, config: { ...config, kms_port: kms.port } }));
    await fails(() => startKms("sm", context));
    await fails(() =>
      startKms("eth", { ...context, config: { ...config, db_key: `${PASSWORD}!` } })
    );
    const migration = {
      path,
      suite: eth,
      password: PASSWORD,
      newPassword: null,
      keepBackup: false,
    };
    await fails(() => migrateKmsDb({ ...migration, to: "strong" }));
    await kms.stop();

    await fails(() => migrateKmsDb({ ...migration, password: `${PASSWORD}!`, to: "strong" }));
    add(await migrateKmsDb({ ...migration, to: "strong" }));
    await (await startKms("eth", context)).stop();
    await fails(() =>
      startKms("eth", { ...context, config: { ...config, db_key: `${PASSWORD}!` } })
    );
    const strong = new DatabaseSync(path);
    strong.exec("update account set privkey = zeroblob(72)");
    strong.close();
    await fails(() => migrateKmsDb({ ...migration, to: "upstream" }));

    const keyPath = `${folder}/private_key`;
    for (const content of [SECRET_HEX, `${SECRET_HEX}00`, `${SECRET_HEX.slice(2)}zz`]) {
      await Deno.writeTextFile(keyPath, content);
      const cryptoConfig = {
        crypto_port: 0,
        domain: null,
        enable_metrics: null,
        metrics_port: null,
        metrics_buckets: null,
        log_config: null,
      };
      const start = () =>
        startCrypto("eth", { ...context, config: cryptoConfig, privateKeyPath: keyPath });
      if (content === SECRET_HEX) await (await start()).stop();
      else await fails(start);
    }
    const wrongType = parseDocument(`[kms_sm]\ndb_key = ["${PASSWORD}"]\n`, "config.toml");
    await fails(() => readTable(KMS_SM_TABLE, wrongType));
    await fails(() => parseDocument(`[kms_sm]\ndb_key = "${PASSWORD}\n`, "config.toml"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const written = text();
  assert.match(written, /MAY READ THE KEYS/);
  assert.match(written, /password mismatch!/);
  assert.match(written, /not private key in private_key_path/);
  for (const secret of formsOfSecrets()) assert(!written.includes(secret), `it holds ${secret}`);
});

Deno.test("a secret key is overwritten when the call that used it ends", async () => {
  const path = await Deno.makeTempFile();
  for (const format of ["upstream", "strong"] as const) {
    if (format === "strong") {
      const options = { path, suite: eth, password: PASSWORD, newPassword: null };
      await migrateKmsDb({ ...options, to: format, keepBackup: false });
    }
    const db = await openKmsDb({ path, password: PASSWORD, suite: eth });
    if (format === "upstream") db.insertAccount(fromHex(SECRET_HEX), "");
    const lent = db.useKeyPair(1n, ({ secretKey }) => {
      assert.equal(toHex(secretKey), SECRET_HEX);
      return secretKey;
    });
    assert.deepEqual(lent, new Uint8Array(32));
    let atThrow = new Uint8Array();
    const failing = () =>
      db.useKeyPair(1n, ({ secretKey }) => {
        atThrow = secretKey as Uint8Array<ArrayBuffer>;
        throw new KmsDbError("file", "of the test");
      });
    assert.throws(failing, KmsDbError);
    assert.deepEqual(atThrow, new Uint8Array(32));
    db.close();
  }
  await Deno.remove(path);
});
