import { ADDRESS_SIZE, HASH_SIZE } from "../../shared/block/mod.ts";
import {
  bool,
  type ConfigDocument,
  ConfigError,
  type ConfigOf,
  defineTable,
  hexBytes,
  hexBytesList,
  integer,
  port,
  readTable,
  relativePath,
  u32,
  u64,
} from "../../shared/config/mod.ts";
import { METRICS_KEYS } from "../../shared/service/mod.ts";
import type { Settings } from "./flows/node.ts";

/** The longest pause that a timer can measure, in seconds. */
const SECONDS_MAX = 2_147_483;

/** Table `[controller]` of config.toml; defaults are those of the reference service. */
export const CONTROLLER_TABLE = defineTable("controller", {
  controller_port: port({ default: 50004, doc: "gRPC port of this service" }),
  network_port: port({ default: 50000, doc: "port of network on this host" }),
  consensus_port: port({ default: 50001, doc: "port of consensus on this host" }),
  executor_port: port({ default: 50002, doc: "port of executor on this host" }),
  storage_port: port({ default: 50003, doc: "port of storage on this host" }),
  kms_port: port({ default: 50005, doc: "port of kms on this host" }),
  node_address: hexBytes({ size: ADDRESS_SIZE, doc: "address of this node" }),
  key_id: u64({ default: 1n, doc: "key of the kms that signs the chain status" }),
  package_limit: integer({ default: 30_000, min: 1, doc: "transactions of a proposed block" }),
  tx_pool_count_max: integer({
    default: 200_000,
    min: 1,
    doc: "transactions that may wait for a block",
  }),
  tx_pool_size_max: integer({
    default: 512 * 1024 * 1024,
    min: 1,
    doc: "encoded bytes of the transactions that may wait for a block",
  }),
  count_per_batch: integer({
    default: 1_000,
    min: 1,
    doc: "transactions of users that are forwarded together at most",
  }),
  buffer_duration: integer({
    default: 20_000,
    min: 1,
    doc: "microseconds for which transactions of users are collected to be forwarded together",
  }),
  enable_forward: bool({ default: true, doc: "forward transactions of users to peers" }),
  server_retry_interval: integer({
    default: 3,
    min: 1,
    max: SECONDS_MAX,
    doc: "longest pause in seconds before another service is tried again",
  }),
  origin_node_reconnect_interval: integer({
    default: 3_600,
    min: 1,
    max: SECONDS_MAX,
    doc: "seconds between broadcasts of the own chain status",
  }),
  inner_block_growth_check_interval: integer({
    default: 60,
    min: 1,
    max: SECONDS_MAX,
    doc: "seconds without a new block after which the node looks for the reason",
  }),
  sync_interval: integer({ default: 10, min: 1, max: 500, doc: "blocks per sync request" }),
  sync_req: integer({ default: 5, min: 1, max: 100, doc: "sync requests in flight to a peer" }),
  force_sync_epoch: integer({
    default: 100,
    min: 1,
    doc: "a peer's height that this divides makes the node ask again for all missing blocks",
  }),
  health_check_timeout: integer({
    default: 300,
    min: 1,
    max: SECONDS_MAX,
    doc: "seconds without a new block after which the node reports itself unhealthy",
  }),
  ...METRICS_KEYS,
  wal_path: relativePath({ default: "./data/wal_chain", doc: "folder of the write-ahead log" }),
  tx_persistence: bool({
    default: false,
    doc: "keep the transactions that wait for a block on disk, so that a restart loses none",
  }),
  hash_len: u32({ default: 32, doc: "not used: the kms tells" }),
  signature_len: u32({ default: 128, doc: "not used: the kms tells" }),
  address_len: u32({ default: 20, doc: "not used: the kms tells" }),
  block_limit: u64({ default: 0n, doc: "not used: `[system_config]` has it" }),
});

/** Values of `[controller]`. */
export type ControllerConfig = ConfigOf<typeof CONTROLLER_TABLE>;

/** Table `[genesis_block]`: block 0 of a new chain. */
export const GENESIS_TABLE = defineTable("genesis_block", {
  timestamp: u64({ doc: "milliseconds since the Unix epoch" }),
  prevhash: hexBytes({ doc: "parent of block 0, usually 32 zero bytes" }),
});

/** Table `[system_config]`: the configuration of a new chain. */
export const SYSTEM_CONFIG_TABLE = defineTable("system_config", {
  version: u32({ doc: "version that transactions must have" }),
  chain_id: hexBytes({ doc: "32 bytes that transactions must have" }),
  admin: hexBytes({ doc: "address that may change the configuration" }),
  block_interval: u32({ doc: "seconds between blocks" }),
  validators: hexBytesList({ doc: "addresses of the nodes that decide on blocks" }),
  block_limit: u64({ doc: "how many blocks ahead a transaction may be valid" }),
  quota_limit: u64({
    default: 0n,
    doc: "quota of a transaction that this node admits, and of a block that it makes; 0: any",
  }),
});

/** Everything that the operator decides, from the three tables. */
export function readSettings(config: ControllerConfig, document: ConfigDocument): Settings {
  const genesis = readTable(GENESIS_TABLE, document);
  const system = readTable(SYSTEM_CONFIG_TABLE, document);
  requireSizes(system, document.fileName);
  return {
    nodeAddress: config.node_address,
    genesis,
    systemConfig: {
      version: system.version,
      chainId: system.chain_id,
      admin: system.admin,
      blockIntervalSeconds: system.block_interval,
      validators: system.validators,
      blockLimit: system.block_limit,
    },
    packageLimit: config.package_limit,
    poolCountMax: config.tx_pool_count_max,
    poolSizeMax: config.tx_pool_size_max,
    quotaLimit: system.quota_limit === 0n ? null : system.quota_limit,
    enableForward: config.enable_forward,
    forwardCountMax: config.count_per_batch,
    forwardDelayMs: config.buffer_duration / 1_000,
    retryIntervalMs: 1_000 * config.server_retry_interval,
    introductionIntervalMs: 1_000 * config.origin_node_reconnect_interval,
    growthCheckIntervalMs: 1_000 * config.inner_block_growth_check_interval,
    syncInterval: config.sync_interval,
    syncRequestsMax: config.sync_req,
    forceSyncEpoch: BigInt(config.force_sync_epoch),
  };
}

/** The reference takes any length and dies at the next start. */
function requireSizes(system: ConfigOf<typeof SYSTEM_CONFIG_TABLE>, fileName: string): void {
  const require = (name: string, actual: number, wanted: number) => {
    if (actual === wanted) return;
    throw new ConfigError(
      `Cannot use system_config.${name} of "${fileName}": it must be ${wanted} bytes, ` +
        `got ${actual}`,
    );
  };
  require("chain_id", system.chain_id.length, HASH_SIZE);
  require("admin", system.admin.length, ADDRESS_SIZE);
  for (const address of system.validators) require("validators", address.length, ADDRESS_SIZE);
}
