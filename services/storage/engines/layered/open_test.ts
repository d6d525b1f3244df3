import assert from "node:assert/strict";
import { u64be } from "../../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../../shared/clock/mod.ts";
import { ConfigError, parseDocument, readTable } from "../../../../shared/config/mod.ts";
import { StartRefusal } from "../../../../shared/service/mod.ts";
import { keepLines } from "../../testing/log_lines.ts";
import { S3_KEYS, S3Server } from "../../testing/s3_server.ts";
import { openLevelEngine } from "../level/open.ts";
import { OPENDAL_TABLE, type OpendalConfig } from "./config.ts";
import { openLayeredEngine } from "./open.ts";

const PROCESS = { clock: SYSTEM_CLOCK, signal: new AbortController().signal };

Deno.test("OPENDAL_TABLE has the defaults of the reference service", () => {
  const config = readTable(OPENDAL_TABLE, parseDocument("[storage_opendal]", "config.toml"));
  const { storage_port, data_root, l1_capacity, l2_capacity, cloud_storage } = config;
  assert.deepEqual(
    { storage_port, data_root, l1_capacity, l2_capacity },
    { storage_port: 50003, data_root: "chain_data", l1_capacity: 200, l2_capacity: 90_000 },
  );
  const { backup_interval, retreat_interval, service_type } = cloud_storage;
  assert.deepEqual([backup_interval, retreat_interval, service_type], [300, 150, ""]);
});

Deno.test("OPENDAL_TABLE refuses names that a URL would change", () => {
  const read = (line: string) => {
    const text = `[storage_opendal.cloud_storage]\n${line}\n`;
    return readTable(OPENDAL_TABLE, parseDocument(text, "config.toml")).cloud_storage;
  };
  for (const root of ["", "/", "a", "/a/b.c/", "a/b-1"]) {
    assert.equal(read(`root = "${root}"`).root, root);
  }
  for (const root of ["..", "a/../b", "a//b", "a/.b", "a b", "a?"]) {
    assert.throws(
      () => read(`root = "${root}"`),
      /cloud_storage\.root .* must be folders of/,
      root,
    );
  }
  assert.throws(() => read('bucket = ".."'), /cloud_storage\.bucket .* must be letters/);
});

function configOf(lines: string, folder: string): OpendalConfig {
  const text = `[storage_opendal]\ndata_root = "data"\n${lines}`;
  const config = readTable(OPENDAL_TABLE, parseDocument(text, "config.toml"));
  return { ...config, data_root: `${folder}/data` };
}

function cloudLines(overrides: Readonly<Record<string, string>>): string {
  const keys = {
    service_type: "s3",
    access_key_id: S3_KEYS.accessKeyId,
    secret_access_key: S3_KEYS.secretAccessKey,
    endpoint: "http://127.0.0.1:1",
    bucket: "chain",
    ...overrides,
  };
  const lines = Object.entries(keys).map(([name, value]) => `${name} = "${value}"`);
  return `[storage_opendal.cloud_storage]\ncall_timeout = 2\n${lines.join("\n")}\n`;
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "storage_layered_" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const KEY = u64be(1n);

Deno.test("openLayeredEngine() works without a cloud, and says that there is no exporter", () =>
  withFolder(async (folder) => {
    const { log, lines } = keepLines();
    const exporter = '[storage_opendal.exporter]\nbase_path = "http://kafka"\n';
    const engine = await openLayeredEngine(configOf(exporter, folder), { ...PROCESS, log });
    await engine.write({ puts: [{ region: 0, key: KEY, value: KEY }], deletes: [] });
    assert.deepEqual(await engine.get(0, KEY), KEY);
    await engine.close();
    assert(lines.some((line) => /^info: no cloud is configured/.test(line)));
    assert(lines.some((line) => /^warn: this program has no exporter/.test(line)));
  }));

Deno.test("openLayeredEngine() takes over the folder of another flavour", () =>
  withFolder(async (folder) => {
    const { log } = keepLines();
    const config = { db_path: `${folder}/data`, max_open_file: 512 };
    const before = await openLevelEngine(config, { log });
    await before.write({ puts: [{ region: 0, key: KEY, value: KEY }], deletes: [] });
    await before.close();
    const engine = await openLayeredEngine(configOf("", folder), { ...PROCESS, log });
    assert.deepEqual(await engine.get(0, KEY), KEY);
    await engine.close();
  }));

for (
  const [what, overrides, text] of [
    ["a part of the keys", { bucket: "", endpoint: "" }, /it must have endpoint, bucket/],
    ["a cloud that does not speak S3", { service_type: "azblob" }, /azblob does not speak S3/],
    [
      "an endpoint that is no URL",
      { endpoint: "http://" },
      /endpoint must be a host, .* got "http:\/\/"/,
    ],
    ["an endpoint with a path", { endpoint: "s3.test/chain" }, /endpoint .* without a path, got/],
  ] as const
) {
  Deno.test(`openLayeredEngine() refuses ${what}`, () =>
    withFolder((folder) => {
      const config = configOf(cloudLines(overrides), folder);
      return assert.rejects(
        openLayeredEngine(config, { ...PROCESS, log: keepLines().log }),
        (error) => error instanceof ConfigError && text.test(error.message),
      );
    }));
}

Deno.test("openLayeredEngine() refuses a wrong key at once, starts when the cloud is away", () =>
  withFolder(async (folder) => {
    await using server = await S3Server.start();
    const { log, lines } = keepLines();
    const open = (overrides: Readonly<Record<string, string>>) =>
      openLayeredEngine(configOf(cloudLines(overrides), folder), { ...PROCESS, log });
    const { endpoint } = server;
    await assert.rejects(
      open({ endpoint, secret_access_key: "guess" }),
      (error) => error instanceof StartRefusal && /answers 403/.test(error.message),
    );
    await assert.rejects(open({ endpoint, bucket: "nowhere" }), /404 NoSuchBucket/);
    await (await open({ endpoint, root: "/a/b/" })).close();
    assert.equal((await Deno.stat(`${server.objects}/a/b/hello`)).size, 5);
    await (await open({})).close();
    assert(lines.some((line) => /refused.*; starts without the cloud/.test(line)));
    assert(!lines.some((line) => line.includes(S3_KEYS.secretAccessKey)));
  }));
