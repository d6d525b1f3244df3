import assert from "node:assert/strict";
import { toHex } from "../../shared/bytes/mod.ts";
import { ConfigError, describeTable, parseDocument, readTable } from "../../shared/config/mod.ts";
import { CONTROLLER_TABLE, GENESIS_TABLE, readSettings, SYSTEM_CONFIG_TABLE } from "./config.ts";

/** The configuration of upstream's unit tests, with sizes that a chain can have. */
const SOURCE = `
[genesis_block]
prevhash = "0x010203040506"
timestamp = 123456

[system_config]
admin = "0x${"aa".repeat(20)}"
block_interval = 3
block_limit = 100
chain_id = "${"cc".repeat(32)}"
validators = ["0x${"01".repeat(20)}", "${"02".repeat(20)}"]
version = 0

[controller]
network_port = 50000
consensus_port = 50001
storage_port = 50003
kms_port = 50005
executor_port = 50002
node_address = "0x37d1c7449bfe76fe9c445e626da06265e9377601"
`;

function read(source: string) {
  const document = parseDocument(source, "config.toml");
  return readSettings(readTable(CONTROLLER_TABLE, document), document);
}

Deno.test("readSettings() reads the three tables of a node", () => {
  const settings = read(SOURCE);
  assert.equal(toHex(settings.nodeAddress), "37d1c7449bfe76fe9c445e626da06265e9377601");
  assert.deepEqual(toHex(settings.genesis.prevhash), "010203040506");
  assert.equal(settings.genesis.timestamp, 123456n);
  assert.equal(settings.systemConfig.validators.length, 2);
  assert.equal(settings.packageLimit, 30_000);
  assert.equal(settings.retryIntervalMs, 3_000);
  const document = parseDocument(SOURCE, "config.toml");
  assert.equal(readTable(CONTROLLER_TABLE, document).controller_port, 50004);
});

Deno.test("readSettings() names file, table, key and value of what is wrong", () => {
  const cases: [from: string, to: string, text: RegExp][] = [
    ["0x37d1", "0x37", /controller\.node_address of "config\.toml": it must be 20 bytes/],
    ["block_interval = 3", "block_interval = -1", /system_config\.block_interval/],
    ["block_interval = 3", "", /system_config\.block_interval .* be there/],
    ['"cccc', '"cc', /system_config\.chain_id of "config\.toml": it must be 32 bytes, got 31/],
    ["timestamp = 123456", 'timestamp = "x"', /genesis_block\.timestamp .* integer, got "x"/],
    ["0x010203040506", "xyz", /genesis_block\.prevhash .* hex digits/],
    ["[genesis_block]", "[genesis]", /must have a table \[genesis_block\]/],
    ["[controller]", "[controller]\nforce_sync_epoch = 0", /force_sync_epoch .* be in 1/],
    ["[controller]", '[controller]\nwal_path = "/x"', /wal_path .* relative path/],
  ];
  for (const [from, to, text] of cases) {
    const source = SOURCE.replace(from, to);
    assert.notEqual(source, SOURCE);
    assert.throws(() => read(source), (error) => {
      assert(error instanceof ConfigError);
      assert.match(error.message, text);
      return true;
    });
  }
});

Deno.test("README.md has the tables that config.ts declares", async () => {
  const plain = (text: string) => text.replaceAll(/[ -]+/g, " ");
  const readme = plain(await Deno.readTextFile(new URL("README.md", import.meta.url)));
  for (const table of [CONTROLLER_TABLE, GENESIS_TABLE, SYSTEM_CONFIG_TABLE]) {
    const rows = describeTable(table);
    assert(readme.includes(plain(rows)), `table ${table.name}:\n${rows}`);
  }
});
