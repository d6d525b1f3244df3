import assert from "node:assert/strict";
import { ConfigError, parseDocument, readTable } from "../../../shared/config/mod.ts";
import { toHex } from "../../../shared/bytes/mod.ts";
import { DEFAULT_TIMING } from "../testing/core_fixture.ts";
import { assertReadmeLists } from "../testing/readme_table.ts";
import { BFT_TABLE, timingOf } from "./config.ts";

const ADDRESS = "72b8d37d45814ac07a6d2a7063356798b9d1b6b5";

function read(lines: string) {
  return readTable(BFT_TABLE, parseDocument(`[consensus_bft]\n${lines}`, "config.toml"));
}

Deno.test("BFT_TABLE reads what cloud-config writes, the rest are the reference's defaults", () => {
  const config = read(`node_address = '0x${ADDRESS}'\nconsensus_port = 51001\nfuture = 1\n`);
  assert.equal(toHex(config.node_address), ADDRESS);
  assert.equal(config.consensus_port, 51001);
  assert.equal(config.kms_port, 50005);
  assert.equal(config.key_id, 1n);
  assert.deepEqual(timingOf(config), DEFAULT_TIMING);
});

Deno.test("BFT_TABLE names the key of a wrong value", () => {
  const good = `node_address = "${ADDRESS}"\n`;
  const wrong: Record<string, string> = {
    node_address: 'node_address = "72b8"',
    network_port: `${good}network_port = 70000`,
    whole_phase: `${good}whole_phase = 0`,
    propose_phase: `${good}propose_phase = 0`,
    prevote_phase: `${good}prevote_phase = 0`,
    key_id: `${good}key_id = -1`,
    wal_path: `${good}wal_path = 1`,
    issue_nil_block: `${good}issue_nil_block = "yes"`,
  };
  for (const [key, lines] of Object.entries(wrong)) {
    assert.throws(() => read(lines), (error) => {
      return error instanceof ConfigError && error.message.includes(`consensus_bft.${key}`);
    });
  }
  assert.throws(() => read(""), /node_address.*it must be there/);
});

Deno.test("README.md lists BFT_TABLE as it is declared", () => assertReadmeLists(BFT_TABLE));
