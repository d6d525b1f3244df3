import assert from "node:assert/strict";
import {
  ConfigError,
  describeTable,
  parseDocument,
  readTable,
} from "../../../shared/config/mod.ts";
import { EVM_TABLE } from "./config.ts";

const read = (keys: string) =>
  readTable(EVM_TABLE, parseDocument(`[executor_evm]\n${keys}`, "config.toml"));

Deno.test("EVM_TABLE has the defaults of the reference", () => {
  assert.deepEqual({ ...read("") }, {
    executor_port: 50002,
    eth_compatibility: false,
    amend_transactions: false,
    call_time_limit_ms: 5_000,
    db_path: "data",
    sync_mode: "archive",
    states_kept: 128,
    enable_metrics: true,
    metrics_port: 0,
    metrics_buckets: [0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100, 250, 500],
  });
});

Deno.test("EVM_TABLE refuses what the executor cannot use and names the key", () => {
  for (
    const [keys, text] of [
      ["executor_port = 70000", /executor_evm.executor_port.*0\.\.65535, got 70000/],
      ['eth_compatibility = "yes"', /executor_evm.eth_compatibility.*true or false/],
      ["call_time_limit_ms = 0", /executor_evm.call_time_limit_ms.*1\.\.\d+, got 0/],
      ['db_path = "/data"', /executor_evm.db_path.*relative path, got "\/data"/],
      ['sync_mode = "fast"', /executor_evm.sync_mode.*one of "archive", "full"/],
      ["states_kept = 3", /executor_evm.states_kept.*got 3/],
    ] as const
  ) {
    assert.throws(
      () => read(keys),
      (error) => error instanceof ConfigError && text.test(error.message),
    );
  }
});

Deno.test("the README shows EVM_TABLE as it is", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const squeeze = (text: string) => text.replaceAll(/ +/g, " ").replaceAll(/-+/g, "-");
  const rows = describeTable(EVM_TABLE).split("\n").filter((row) => row.startsWith("| `"));
  assert.equal(rows.length, 10);
  for (const row of rows) assert(squeeze(readme).includes(squeeze(row)), row);
});
