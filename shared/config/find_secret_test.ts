import assert from "node:assert/strict";
import { ConfigError, findSecret, findSecretOutside, type SecretPlaces } from "./mod.ts";

const VARIABLE = "FIND_SECRET_TEST";
const PLACES: SecretPlaces & { readonly inConfig: string } = {
  file: null,
  credential: "kms_db_key",
  variable: VARIABLE,
  inConfig: "123456",
};

async function withFolder(use: (folder: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "find_secret_" });
  try {
    use(folder);
  } finally {
    Deno.env.delete("CREDENTIALS_DIRECTORY");
    Deno.env.delete(VARIABLE);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("findSecret() prefers a named file, then a credential, then the environment", () =>
  withFolder((folder) => {
    const file = `${folder}/named`;
    Deno.writeTextFileSync(file, "of the file\n", { mode: 0o600 });
    Deno.writeTextFileSync(`${folder}/kms_db_key`, "of systemd\r\n", { mode: 0o600 });
    Deno.env.set("CREDENTIALS_DIRECTORY", folder);
    Deno.env.set(VARIABLE, "of the environment");
    assert.deepEqual(findSecret({ ...PLACES, file }), {
      value: "of the file",
      source: `file "${file}"`,
      isExposed: false,
    });
    assert.equal(findSecret(PLACES).value, "of systemd");
    Deno.removeSync(`${folder}/kms_db_key`);
    const { value, source } = findSecret(PLACES);
    assert.equal(value, "of the environment");
    assert.equal(source, `environment variable ${VARIABLE}`);
    assert.equal(Deno.env.get(VARIABLE), undefined);
    assert.deepEqual(findSecret(PLACES), {
      value: "123456",
      source: "config.toml",
      isExposed: false,
    });
  }));

Deno.test("findSecret() tells of a file that others may read, and keeps inner line ends", () =>
  withFolder((folder) => {
    const file = `${folder}/open`;
    Deno.writeTextFileSync(file, "two\nlines\n\n");
    Deno.chmodSync(file, 0o644);
    assert.deepEqual(findSecret({ ...PLACES, file }), {
      value: "two\nlines\n",
      source: `file "${file}"`,
      isExposed: true,
    });
  }));

Deno.test("findSecret() refuses a named file that is not there", () =>
  withFolder((folder) => {
    const file = `${folder}/absent`;
    assert.throws(
      () => findSecret({ ...PLACES, file }),
      (error) => error instanceof ConfigError && error.message.includes(`file "${file}"`),
    );
  }));

Deno.test("findSecret() refuses what is no secret: nothing, no text, a file without end", () =>
  withFolder((folder) => {
    const file = `${folder}/file`;
    const contents: readonly (readonly [content: Uint8Array, reason: RegExp])[] = [
      [new Uint8Array(), /it is empty/],
      [new TextEncoder().encode("\n"), /it is empty/],
      [new Uint8Array([0x61, 0xff, 0x62]), /must be UTF-8 text/],
      [new Uint8Array(64 * 1024 + 1).fill(0x61), /must have 65536 bytes at most/],
    ];
    for (const [content, reason] of contents) {
      Deno.writeFileSync(file, content);
      assert.throws(() => findSecret({ ...PLACES, file }), reason);
    }
    assert.throws(() => findSecret({ ...PLACES, file: "/dev/zero" }), /65536 bytes at most/);
    assert.throws(() => findSecret({ ...PLACES, file: folder }), ConfigError);
    Deno.env.set("CREDENTIALS_DIRECTORY", file);
    assert.throws(() => findSecret(PLACES), ConfigError);
  }));

Deno.test("findSecretOutside() does without a secret in config.toml", () =>
  withFolder((folder) => {
    assert.equal(findSecretOutside(PLACES), null);
    Deno.env.set("CREDENTIALS_DIRECTORY", folder);
    assert.equal(findSecretOutside(PLACES), null);
    Deno.env.set(VARIABLE, "");
    assert.equal(findSecretOutside(PLACES)?.value, "");
  }));
