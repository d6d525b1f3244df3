import assert from "node:assert/strict";
import { ConfigError, parseDocument, readTable } from "../../../shared/config/mod.ts";
import type { CommandValues } from "../../../shared/service/mod.ts";
import { RAFT_TABLE } from "./config.ts";
import { raftPlainLog } from "./plain_log.ts";

const FILE = {
  path: "logs/consensus-service.log",
  sizeMax: 134_217_728,
  keptCount: 5,
  isCompressed: false,
};

function plainLog(lines: readonly string[], options: CommandValues = {}) {
  const source = ["[consensus_raft]", `node_addr = "${"ab".repeat(20)}"`, ...lines].join("\n");
  return raftPlainLog({ config: readTable(RAFT_TABLE, parseDocument(source, "x")), options });
}

Deno.test("a raft node logs to a file, as its table says", () => {
  assert.deepEqual(plainLog([]), { level: "info", file: FILE });
  const lines = [
    'log_level = "critical"',
    'log_dir = "/var/log"',
    'log_file_name = "raft"',
    "log_rotate_size = 9",
    "log_rotate_keep = 2",
    "log_rotate_compress = true",
  ];
  const file = { path: "/var/log/raft", sizeMax: 9, keptCount: 2, isCompressed: true };
  assert.deepEqual(plainLog(lines), { level: "error", file });
  assert.deepEqual(plainLog(['log_level = "warning"', "log_to_stdout = true"]), {
    level: "warn",
    file: null,
  });
  assert.throws(() => plainLog(['log_level = "loud"']), ConfigError);
});

Deno.test("the command line overrides the log keys of a raft node", () => {
  const toStdout = "log_to_stdout = true";
  assert.equal(plainLog([], { stdout: true }).file, null);
  assert.deepEqual(plainLog([toStdout], { logDir: "there" }).file, {
    ...FILE,
    path: "there/consensus-service.log",
  });
  assert.equal(plainLog([toStdout], { logFileName: "x.log" }).file?.path, "logs/x.log");
});
