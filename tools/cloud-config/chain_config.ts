import {
  type ConfigDocument,
  type ConfigKey,
  defineTable,
  integer,
  readTable,
  tableList,
  text,
  textList,
  u32,
  u64,
} from "../../shared/config/mod.ts";
import type { NodeAddress } from "./addresses.ts";
import { formatToml, type TomlTable } from "./toml_writer.ts";

/** An implementation of a role that the chain uses. */
export interface MicroService {
  /** Chosen by exact equality, see {@linkcode isChosen}. */
  readonly image: string;
  /** Stored for others, never used by this tool. */
  readonly tag: string;
}

/** First block's fields. */
export interface GenesisBlock {
  /** 32 bytes as hex with `0x`, unchecked. */
  readonly prevhash: string;
  /** Unix time in milliseconds. */
  readonly timestamp: bigint;
}

/** Governance values the chain starts with. */
export interface SystemConfig {
  readonly admin: string;
  /** Seconds. */
  readonly block_interval: number;
  readonly block_limit: bigint;
  readonly chain_id: string;
  readonly validators: readonly string[];
  readonly version: number;
}

/** `chain_config.toml`: what all nodes of a chain share (spec/cloud_config.md, section 4). */
export interface ChainConfig {
  readonly nodes: readonly NodeAddress[];
  readonly services: readonly MicroService[];
  readonly genesis: GenesisBlock;
  readonly system: SystemConfig;
}

/** The reference tool wants every list to be there, also when empty. */
function required<Value>(key: ConfigKey<Value>): ConfigKey<Value> {
  return { ...key, default: undefined };
}

const LISTS = defineTable("chain_config", {
  micro_service_list: required(tableList({
    keys: { image: text({ doc: "implementation" }), tag: text({ doc: "version" }) },
    doc: "implementations of the six roles",
  })),
  node_network_address_list: required(tableList({
    keys: {
      domain: text({ doc: "name of the node" }),
      host: text({ doc: "host to dial" }),
      port: integer({ doc: "port to dial", max: 65535 }),
    },
    doc: "nodes of the chain",
  })),
});

const GENESIS_BLOCK = defineTable("genesis_block", {
  prevhash: text({ doc: "hash of the block before the first" }),
  timestamp: u64({ doc: "time of the first block in milliseconds" }),
});

const SYSTEM_CONFIG = defineTable("system_config", {
  admin: text({ doc: "account that may change the system configuration" }),
  block_interval: u32({ doc: "seconds between blocks" }),
  block_limit: u64({ doc: "blocks for which a transaction may wait" }),
  chain_id: text({ doc: "32 bytes as hex" }),
  validators: textList({ doc: "accounts that make blocks" }),
  version: u32({ doc: "version of the transaction format" }),
});

/** Reads the chain's configuration; throws a `ConfigError` for a missing or wrong key. */
export function readChainConfig(document: ConfigDocument): ChainConfig {
  const { fileName, tables } = document;
  const lists = readTable(LISTS, { fileName, tables: { chain_config: tables } });
  return {
    nodes: lists.node_network_address_list,
    services: lists.micro_service_list,
    genesis: readTable(GENESIS_BLOCK, document),
    system: readTable(SYSTEM_CONFIG, document),
  };
}

/** The table `[genesis_block]`, the same in both configuration files. */
export function genesisTable({ genesis }: ChainConfig): TomlTable {
  return { prevhash: genesis.prevhash, timestamp: genesis.timestamp };
}

/** The table `[system_config]`, the same in both configuration files. */
export function systemTable({ system }: ChainConfig): TomlTable {
  return { ...system };
}

/** The text of `chain_config.toml`. */
export function formatChainConfig(config: ChainConfig): string {
  return formatToml({
    node_network_address_list: config.nodes.map(({ domain, host, port }) => ({
      domain,
      host,
      port,
    })),
    micro_service_list: config.services.map(({ image, tag }) => ({ image, tag })),
    genesis_block: genesisTable(config),
    system_config: systemTable(config),
  });
}

/** Whether the chain uses this implementation; images are compared exactly. */
export function isChosen(config: Pick<ChainConfig, "services">, image: string): boolean {
  return config.services.some((service) => service.image === image);
}
