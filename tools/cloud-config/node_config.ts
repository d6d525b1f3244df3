import {
  type ConfigDocument,
  defineTable,
  port,
  readTable,
  text,
  u64,
} from "../../shared/config/mod.ts";
import { formatToml } from "./toml_writer.ts";

/** Ports on which the services of a node talk to each other. */
export interface GrpcPorts {
  readonly network_port: number;
  readonly consensus_port: number;
  readonly executor_port: number;
  readonly storage_port: number;
  readonly controller_port: number;
  readonly kms_port: number;
}

/** `node_config.toml`: what one node has for itself (spec/cloud_config.md, section 7). */
export interface NodeConfig {
  readonly grpc_ports: GrpcPorts;
  /** Port on which the other nodes reach this one. */
  readonly network_listen_port: number;
  /** Password of the key store. */
  readonly db_key: string;
  readonly key_id: bigint;
  /** Transactions in a block. */
  readonly package_limit: bigint;
  readonly log_level: string;
  /** Address of the node, 40 hex digits. */
  readonly account: string;
}

const NODE_CONFIG = defineTable("node_config", {
  account: text({ doc: "address of the node" }),
  db_key: text({ doc: "password of the key store" }),
  key_id: u64({ doc: "key of the node in the key store" }),
  log_level: text({ doc: "least severe level that is logged" }),
  network_listen_port: port({ doc: "port for other nodes" }),
  package_limit: u64({ doc: "transactions in a block" }),
});

const GRPC_PORTS = defineTable("grpc_ports", {
  consensus_port: port({ doc: "consensus" }),
  controller_port: port({ doc: "controller" }),
  executor_port: port({ doc: "executor" }),
  kms_port: port({ doc: "kms" }),
  network_port: port({ doc: "network" }),
  storage_port: port({ doc: "storage" }),
});

/** Reads a node's configuration; throws a `ConfigError` for a missing or wrong key. */
export function readNodeConfig(document: ConfigDocument): NodeConfig {
  const { fileName, tables } = document;
  const values = readTable(NODE_CONFIG, { fileName, tables: { node_config: tables } });
  return { ...values, grpc_ports: readTable(GRPC_PORTS, document) };
}

/** The text of `node_config.toml`. */
export function formatNodeConfig(config: NodeConfig): string {
  return formatToml({ ...config, grpc_ports: { ...config.grpc_ports } });
}
