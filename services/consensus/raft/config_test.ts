import assert from "node:assert/strict";
import { toHex } from "../../../shared/bytes/mod.ts";
import { ConfigError, parseDocument, readTable, unknownKeys } from "../../../shared/config/mod.ts";
import { assertReadmeLists } from "../testing/readme_table.ts";
import { checkRaftConfig, RAFT_TABLE } from "./config.ts";

const ADDRESS = "96698fc5da952c5ba694733ab20ceba163a27cb8";
const GOOD = `node_addr = '${ADDRESS}'\n`;

function document(lines: string) {
  return parseDocument(`[consensus_raft]\n${lines}`, "config.toml");
}

const read = (lines: string) => readTable(RAFT_TABLE, document(lines));

Deno.test("RAFT_TABLE reads what cloud-config writes, the rest are the reference's defaults", () => {
  const config = read(
    `controller_port = 50014\ngrpc_listen_port = 50011\nnetwork_port = 50010\n${GOOD}`,
  );
  assert.equal(toHex(config.node_addr), ADDRESS);
  assert.equal(config.controller_port, 50014);
  assert.equal(config.grpc_listen_port, 50011);
  assert.equal(config.network_port, 50010);
  assert.equal(config.tick_interval_in_millis, 200);
  assert.equal(config.heartbeat_tick, 15);
  assert.equal(config.election_tick, 50);
  assert.equal(config.check_quorum, false);
  assert.equal(config.transfer_leader_timeout_in_secs, 12);
  assert.equal(config.wal_path, "raft-data-dir");
  assert.equal(config.max_wal_log_file_preserved, 5);
  assert.equal(config.wal_log_file_compact_limit, 134_217_728n);
  assert.equal(config.allow_corrupt_wal_log_tail, true);
  checkRaftConfig(config);
});

Deno.test("RAFT_TABLE knows every key of the reference", () => {
  const others = [
    "log_level = 'info'",
    "log_to_stdout = false",
    "log_dir = 'logs'",
    "log_file_name = 'consensus-service.log'",
    "log_rotate_size = 134217728",
    "log_rotate_keep = 5",
    "log_rotate_compress = false",
    "enable_metrics = true",
    "metrics_port = 0",
    "metrics_buckets = [0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100, 250, 500]",
  ].join("\n");
  assert.deepEqual(unknownKeys(RAFT_TABLE, document(`${GOOD}${others}`)), []);
  assert.deepEqual(unknownKeys(RAFT_TABLE, document(`${GOOD}future = 1`)), ["future"]);
  assert.deepEqual(read(`${GOOD}${others}`), read(GOOD));
});

Deno.test("RAFT_TABLE names the key of a wrong value", () => {
  const wrong: Record<string, string> = {
    node_addr: "node_addr = '96698f'",
    grpc_listen_port: `${GOOD}grpc_listen_port = 70000`,
    tick_interval_in_millis: `${GOOD}tick_interval_in_millis = 0`,
    heartbeat_tick: `${GOOD}heartbeat_tick = 0`,
    election_tick: `${GOOD}election_tick = 1`,
    check_quorum: `${GOOD}check_quorum = 1`,
    wal_path: `${GOOD}wal_path = 1`,
    wal_log_file_compact_limit: `${GOOD}wal_log_file_compact_limit = -1`,
  };
  for (const [key, lines] of Object.entries(wrong)) {
    assert.throws(() => read(lines), (error) => {
      return error instanceof ConfigError && error.message.includes(`consensus_raft.${key}`);
    });
  }
  assert.throws(() => read(""), /node_addr.*it must be there/);
});

Deno.test("checkRaftConfig() refuses elections that heartbeats come too late for", () => {
  for (const electionTick of [14, 15]) {
    const config = read(`${GOOD}election_tick = ${electionTick}`);
    assert.throws(
      () => checkRaftConfig(config),
      /election_tick.*greater than heartbeat_tick \(15\)/,
    );
  }
  checkRaftConfig(read(`${GOOD}election_tick = 16`));
});

Deno.test("README.md lists RAFT_TABLE as it is declared", () => assertReadmeLists(RAFT_TABLE));
