import assert from "node:assert/strict";
import { toHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { openKmsDb } from "../../shared/kms_db/mod.ts";
import { ExitError } from "../../shared/cli/mod.ts";
import { migrateCommand } from "./migrate.ts";
import { runCommand, startCommand } from "./testing/command.ts";
import { KMS_DEFAULTS } from "./testing/served_kms.ts";

const DATABASE = new URL("../../tests/vectors/kms/kms_sm.db", import.meta.url);
const PASSWORD = "123456";
const sm = await loadSuite("sm");

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.copyFile(DATABASE, `${folder}/kms.db`);
    await Deno.writeTextFile(`${folder}/config.toml`, "[kms_sm]\nkms_port = 0\n");
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the command in this process; the error of a refusal is what it would print. */
async function migrate(folder: string, options: Readonly<Record<string, unknown>>) {
  let out = "";
  let err = "";
  const output = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  const config = { ...KMS_DEFAULTS, db_path: `${folder}/kms.db` };
  try {
    const document = { fileName: "config.toml", tables: {} };
    const context = { config, document, options, args: [], output, clock: SYSTEM_CLOCK };
    const code = await migrateCommand("sm").run(context);
    return { code, out, err };
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return { code: error.exitCode, out, err: err + error.message };
  }
}

/** Id and secret key of every account; the public keys were checked. */
async function contentOf(path: string, password: string): Promise<[bigint, string | null][]> {
  const db = await openKmsDb({ path, password, suite: sm });
  try {
    db.verifyAccounts();
    return db.listAccounts().map((
      { keyId },
    ) => [keyId, db.useKeyPair(keyId, ({ secretKey }) => toHex(secretKey))]);
  } finally {
    db.close();
  }
}

Deno.test("kms migrate tells what it did, and what it cannot do", () =>
  withFolder(async (folder) => {
    const content = await contentOf(`${folder}/kms.db`, PASSWORD);
    const there = await migrate(folder, {});
    assert.equal(there.code, 0);
    assert.match(there.out, /converted from upstream to strong, 2 accounts read back and checked/);
    assert.match(
      there.out,
      /key_id 1 {2}0x91ee14120f7045e4f246611b78d18a245059287a {2}"golden one"/,
    );
    assert.match(there.out, /overwritten and removed, as far as the disk obeys/);
    assert.match(there.err, /the well-known default/);
    assert.deepEqual(await contentOf(`${folder}/kms.db`, PASSWORD), content);

    assert.match((await migrate(folder, { to: "strong" })).out, /already .*: unchanged/);
    const back = await migrate(folder, { to: "upstream", keepBackup: true });
    assert.match(back.out, /the old file is kept: .*kms\.db\.strong\.backup/);
    assert.deepEqual([back.code, back.err], [0, ""]);
    const wrong = await migrate(folder, { to: "weak" });
    assert.deepEqual(wrong, {
      code: 2,
      out: "",
      err: 'Cannot use --to "weak": it must be "strong" or "upstream"',
    });
  }));

Deno.test("kms migrate takes a new password from a file, a variable, never from argv", () =>
  withFolder(async (folder) => {
    const content = await contentOf(`${folder}/kms.db`, PASSWORD);
    const newKeyFile = `${folder}/new.key`;
    await Deno.writeTextFile(newKeyFile, "of the file\n", { mode: 0o644 });
    const changed = await migrate(folder, { newKeyFile });
    assert.match(changed.out, /give it to the kms before it starts again/);
    assert.match(changed.err, /^warning: OTHER USERS MAY READ THE SECRET in file ".*new\.key"/);
    assert.deepEqual(await contentOf(`${folder}/kms.db`, "of the file"), content);
    const refused = await migrate(folder, { to: "upstream" });
    assert.deepEqual([refused.code, refused.out], [101, ""]);
    assert.match(refused.err, /password mismatch!/);

    const env = {
      CITA_CLOUD_KMS_DB_KEY: "of the file",
      CITA_CLOUD_KMS_NEW_DB_KEY: "of the environment",
    };
    const { code } = await runCommand(folder, ["migrate"], env);
    assert.equal(code, 0);
    assert.deepEqual(await contentOf(`${folder}/kms.db`, "of the environment"), content);
    const help = await runCommand(folder, ["migrate", "--help"]);
    assert.match(help.out, /--ask-new-key[^]*EXAMPLES:[^]*kms migrate --to upstream/);
  }));

/** Runs that are killed; each starts a process, which takes most of the time. */
const KILLS = Number(Deno.env.get("MIGRATE_KILLS") ?? 8);

Deno.test("kms migrate that is killed leaves the whole old or the whole new file", () =>
  withFolder(async (folder) => {
    const path = `${folder}/kms.db`;
    const content = await contentOf(path, PASSWORD);
    const started = SYSTEM_CLOCK.monotonicMs();
    assert.equal((await runCommand(folder, ["migrate"])).code, 0);
    const wholeMs = SYSTEM_CLOCK.monotonicMs() - started;
    let to = "upstream";
    let changes = 0;
    let remains = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const run = startCommand(folder, ["migrate", "--to", to]);
      // the first part of a run only loads the program
      await SYSTEM_CLOCK.sleep(wholeMs * (0.4 + 0.6 * kill / KILLS));
      tryToKill(run);
      await run.output();
      if ([...Deno.readDirSync(folder)].some(({ name }) => name.includes("migrating"))) remains++;
      const db = await openKmsDb({ path, password: PASSWORD, suite: sm });
      const { format } = db;
      db.close();
      assert.deepEqual(await contentOf(path, PASSWORD), content, `kill ${kill}`);
      if (format === to) changes++;
      to = format === "strong" ? "upstream" : "strong";
    }
    const last = await runCommand(folder, ["migrate", "--to", to]);
    assert.equal(last.code, 0, `${last.err} after ${changes} changes, ${remains} remains`);
    assert.deepEqual(await contentOf(path, PASSWORD), content);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["config.toml", "kms.db"]);
    if (Deno.env.has("MIGRATE_KILLS")) {
      const text = `${KILLS} kills: ${changes} after the change, ${remains} with a part left\n`;
      Deno.stdout.writeSync(new TextEncoder().encode(text));
    }
  }));

function tryToKill(run: Deno.ChildProcess): void {
  try {
    run.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it ended by itself
  }
}
