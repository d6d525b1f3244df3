import assert from "node:assert/strict";
import {
  bool,
  choice,
  ConfigError,
  type ConfigKeys,
  type ConfigTable,
  defineTable,
  describeTable,
  hexBytes,
  integer,
  loadDocument,
  matching,
  numbers,
  optional,
  parseDocument,
  port,
  readTable,
  relativePath,
  secret,
  subTable,
  tableList,
  text,
  u64,
  unknownKeys,
} from "./mod.ts";

const TABLE = defineTable("storage_demo", {
  storage_port: port({ default: 50003, doc: "gRPC port of this service" }),
  db_path: relativePath({ default: "chain_data", doc: "data folder" }),
  key_id: u64({ default: 1n, doc: "key" }),
  fast: bool({ default: false, doc: "speed" }),
  admin: optional(hexBytes({ size: 2, doc: "administrator" })),
  peers: tableList({ doc: "others", keys: { address: text({ doc: "where" }) } }),
});

function read<Keys extends ConfigKeys>(table: ConfigTable<Keys>, source: string) {
  return readTable(table, parseDocument(source, "config.toml"));
}

function refusal(source: string): string {
  try {
    read(TABLE, source);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "accepted";
}

Deno.test("readTable() gives the defaults of an empty table, frozen", () => {
  const config = read(TABLE, "[storage_demo]\n");
  assert.deepEqual(config, {
    storage_port: 50003,
    db_path: "chain_data",
    key_id: 1n,
    fast: false,
    admin: null,
    peers: [],
  });
  assert(Object.isFrozen(config));
});

Deno.test("readTable() reads every type, u64 to its end", () => {
  const config = read(
    TABLE,
    `[storage_demo]
storage_port = 1
key_id = 9223372036854775807
fast = true
admin = "0x0aFf"
[[storage_demo.peers]]
address = "/dns4/localhost/tcp/40000"
extra = 1
`,
  );
  assert.equal(config.key_id, 2n ** 63n - 1n);
  assert.deepEqual(config.admin, new Uint8Array([0x0a, 0xff]));
  assert.deepEqual(config.peers, [{ address: "/dns4/localhost/tcp/40000" }]);
});

Deno.test("readTable() names file, table, key, value and what is wanted", () => {
  const of = (line: string) => refusal(`[storage_demo]\n${line}\n`);
  assert.equal(
    of("storage_port = 70000"),
    'Cannot use storage_demo.storage_port of "config.toml": it must be in 0..65535, got 70000',
  );
  assert.match(of("storage_port = -1"), /be in 0\.\.65535, got -1/);
  assert.match(of('storage_port = "x"'), /it must be an integer, got "x"/);
  assert.match(of("storage_port = 1.5"), /it must be an integer, got 1.5/);
  assert.match(of('db_path = "/data"'), /it must be a relative path, got "\/data"/);
  assert.match(of("fast = 1"), /it must be true or false, got 1/);
  assert.match(of('admin = "0x01"'), /admin .* 2 bytes of hex digits/);
  assert.match(of('admin = "zz"'), /hex digits/);
  assert.match(of("peers = 1"), /peers .* an array/);
  assert.match(of("peers = [1]"), /peers .* tables only/);
  assert.match(of("[[storage_demo.peers]]\naddress = 1"), /peers\.address .* a string, got 1/);
  assert.match(of("[[storage_demo.peers]]"), /peers\.address .* be there, got nothing/);
});

Deno.test("readTable() asks for a missing table, parseDocument() shows the line of an error", () => {
  assert.equal(refusal(""), 'Cannot use "config.toml": it must have a table [storage_demo]');
  assert.match(refusal("[storage_demo]\nx = = 1\n"), /Cannot parse "config.toml" at line 2/);
  assert.throws(() => loadDocument("/nowhere/config.toml"), /Cannot read "\/nowhere\/config.toml"/);
});

Deno.test("readTable() does not show a secret of the wrong type", () => {
  const table = defineTable("kms", { db_key: secret({ default: "x", doc: "password" }) });
  assert.throws(
    () => read(table, "[kms]\ndb_key = 123456\n"),
    (error) =>
      error instanceof ConfigError && /db_key .* a string/.test(error.message) &&
      !error.message.includes("123456"),
  );
});

Deno.test("loadDocument() refuses a file that is not UTF-8", async () => {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  await Deno.writeFile(path, new Uint8Array([0x61, 0x3d, 0x22, 0xff, 0xfe, 0x22]));
  assert.throws(() => loadDocument(path), /it must be UTF-8 text/);
  await Deno.remove(path);
});

Deno.test("unknownKeys() lists what the declaration does not know", () => {
  const document = parseDocument("[storage_demo]\nstorage_prt = 1\nfast = true\n", "config.toml");
  assert.deepEqual(unknownKeys(TABLE, document), ["storage_prt"]);
});

Deno.test("describeTable() gives a Markdown row for each key", () => {
  const rows = describeTable(TABLE).split("\n");
  assert.equal(rows[2], "| `storage_port` | port | 50003 | gRPC port of this service |");
  assert.equal(rows[6], "| `admin` | hex, optional | none | administrator |");
});

const NESTED = defineTable("storage_demo", {
  table: matching({ pattern: /^[a-z]+$/, wanted: "be letters", default: "storage", doc: "name" }),
  tls: choice({ choices: ["off", "on"], default: "off", doc: "encryption" }),
  cloud: subTable({
    doc: "cloud",
    keys: { bucket: text({ default: "", doc: "where" }), key: secret({ default: "", doc: "key" }) },
  }),
});

Deno.test("readTable() reads a table inside of a table, which may be absent", () => {
  const absent = { table: "storage", tls: "off", cloud: { bucket: "", key: "" } };
  assert.deepEqual(read(NESTED, "[storage_demo]\n"), absent);
  const source = '[storage_demo]\ntls = "on"\n[storage_demo.cloud]\nbucket = "b"\nbuket = 1\n';
  const { tls, cloud } = read(NESTED, source);
  assert.equal(tls, "on");
  assert.deepEqual(cloud, { bucket: "b", key: "" });
  assert.deepEqual(unknownKeys(NESTED, parseDocument(source, "config.toml")), ["cloud.buket"]);
});

Deno.test("readTable() names the inner key, and what a word or a form must be", () => {
  const of = (line: string) => () => read(NESTED, `[storage_demo]\n${line}\n`);
  assert.throws(of("cloud = 1"), /storage_demo\.cloud .* it must be a table, got 1/);
  assert.throws(of("cloud.bucket = 1"), /storage_demo\.cloud\.bucket .* a string, got 1/);
  assert.throws(
    of("cloud.key = 7"),
    (error) =>
      error instanceof ConfigError && /cloud\.key/.test(error.message) && !/7/.test(error.message),
  );
  assert.throws(of('tls = "maybe"'), /it must be one of "off", "on", got "maybe"/);
  assert.throws(of('table = "a;b"'), /it must be letters, got "a;b"/);
});

Deno.test("describeTable() lists the keys of an inner table one by one", () => {
  const rows = describeTable(NESTED).split("\n");
  assert.equal(rows[4], '| `cloud.bucket` | string | "" | where |');
});

Deno.test("describeTable() shows the range of an integer that has one", () => {
  const [one, two, three] = [{}, { min: 1 }, { max: 30 }].map((range) =>
    integer({ default: 2, doc: "so many", ...range })
  );
  assert(one && two && three);
  const rows = describeTable(defineTable("demo", { one, two, three })).split("\n").slice(2);
  assert.deepEqual(rows, [
    "| `one` | integer | 2 | so many |",
    "| `two` | integer from 1 | 2 | so many |",
    "| `three` | integer 0..30 | 2 | so many |",
  ]);
});

Deno.test("numbers() takes numbers in ascending order and nothing that looks like one", () => {
  const table = defineTable("demo", { buckets: numbers({ default: [1], doc: "bounds" }) });
  const buckets = (value: string) => read(table, `[demo]\nbuckets = ${value}\n`).buckets;
  assert.deepEqual(buckets("[0.5, 1, 2.5]"), [0.5, 1, 2.5]);
  assert.deepEqual(read(table, "[demo]\n").buckets, [1]);
  const bad = [
    "[]",
    "[1, 1]",
    "[2, 1]",
    "[0]",
    "[-1]",
    '["1"]',
    "[true]",
    "[1, nan]",
    "[inf]",
    "1",
  ];
  for (const value of bad) {
    assert.throws(() => buckets(value), /demo\.buckets .* array of numbers above 0 in ascending/);
  }
});
