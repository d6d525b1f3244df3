import {
  bool,
  choice,
  type ConfigOf,
  defineTable,
  integer,
  port,
  relativePath,
} from "../../../shared/config/mod.ts";
import { METRICS_KEYS } from "../../../shared/service/mod.ts";

/** Table `[executor_evm]` of `config.toml` (spec/executor_evm.md, section 1). */
export const EVM_TABLE = defineTable("executor_evm", {
  executor_port: port({ default: 50002, doc: "gRPC port of this service, on every interface" }),
  eth_compatibility: bool({
    default: false,
    doc: "contracts see the time of a block in seconds instead of milliseconds",
  }),
  amend_transactions: bool({
    default: false,
    doc: "any sender may rewrite any account; the same on all nodes, for all blocks of the chain",
  }),
  call_time_limit_ms: integer({
    default: 5_000,
    min: 1,
    doc: "milliseconds that a read-only call, or all of an estimate, may run",
  }),
  db_path: relativePath({ default: "data", doc: "data folder, below the working folder" }),
  sync_mode: choice({
    choices: ["archive", "full"],
    default: "archive",
    doc: "whether all states stay readable, or the last ones",
  }),
  states_kept: integer({
    min: 16,
    default: 128,
    doc: 'states before the last one that stay readable with sync_mode "full"',
  }),
  ...METRICS_KEYS,
});

/** Values of {@linkcode EVM_TABLE}. */
export type EvmConfig = ConfigOf<typeof EVM_TABLE>;
