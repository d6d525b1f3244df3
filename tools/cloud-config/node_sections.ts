import { peerDomain } from "./addresses.ts";
import { type ChainConfig, genesisTable, isChosen, systemTable } from "./chain_config.ts";
import type { NodeConfig } from "./node_config.ts";
import { formatToml, type TomlTable } from "./toml_writer.ts";

/** Certificates of a node of a chain with `network_tls` or `network_quic`, as PEM text. */
export interface NodeCertificates {
  readonly caCert: string;
  readonly cert: string;
  readonly privKey: string;
}

/** All that the configuration of a node's services is made from. */
export interface NodeInputs {
  readonly chainName: string;
  readonly domain: string;
  readonly chain: ChainConfig;
  readonly node: NodeConfig;
  /** Called only when the chain needs certificates, see {@linkcode needsCertificates}. */
  readonly readCertificates: () => NodeCertificates;
}

type Section = readonly [name: string, table: TomlTable];

/** A table without the peers key when there are none. */
function withPeers(table: TomlTable, peers: readonly TomlTable[]): TomlTable {
  return peers.length === 0 ? table : { ...table, peers };
}

function p2pSection({ chain, domain, node }: NodeInputs): Section {
  const peers = chain.nodes.filter((peer) => peer.domain !== domain)
    .map(({ host, port }) => ({ address: `/dns4/${host}/tcp/${port}` }));
  const ports = { grpc_port: node.grpc_ports.network_port, port: node.network_listen_port };
  return ["network_p2p", withPeers(ports, peers)];
}

function tlsSection(name: string): (inputs: NodeInputs) => Section {
  return (inputs) => [name, tlsTable(inputs)];
}

function tlsTable({ chain, chainName, domain, node, readCertificates }: NodeInputs): TomlTable {
  const { caCert, cert, privKey } = readCertificates();
  const peers = chain.nodes.filter((peer) => peer.domain !== domain)
    .map(({ host, port, domain }) => ({ domain: peerDomain(chainName, domain), host, port }));
  const table = {
    ca_cert: caCert,
    cert,
    priv_key: privKey,
    grpc_port: node.grpc_ports.network_port,
    listen_port: node.network_listen_port,
    reconnect_timeout: 5,
  };
  return withPeers(table, peers);
}

function raftSection({ node }: NodeInputs): Section {
  const { controller_port, consensus_port, network_port } = node.grpc_ports;
  return ["consensus_raft", {
    controller_port,
    grpc_listen_port: consensus_port,
    network_port,
    node_addr: node.account,
  }];
}

function bftSection({ node }: NodeInputs): Section {
  const { controller_port, consensus_port, network_port, kms_port } = node.grpc_ports;
  return ["consensus_bft", {
    consensus_port,
    controller_port,
    kms_port,
    network_port,
    node_address: `0x${node.account}`,
  }];
}

function executorSection({ node }: NodeInputs): Section {
  return ["executor_evm", { executor_port: node.grpc_ports.executor_port }];
}

function storageSection({ node }: NodeInputs): Section {
  const { kms_port, storage_port } = node.grpc_ports;
  return ["storage_rocksdb", { kms_port, storage_port }];
}

function controllerSection({ node }: NodeInputs): Section {
  const { account, grpc_ports, key_id, package_limit } = node;
  return ["controller", { ...grpc_ports, key_id, node_address: account, package_limit }];
}

function kmsSection(name: string): (inputs: NodeInputs) => Section {
  return ({ node }) => [name, { db_key: node.db_key, kms_port: node.grpc_ports.kms_port }];
}

/** Implementations by kind, the first one listed wins when a chain has two of a kind. */
const SECTIONS_BY_KIND: Readonly<
  Record<string, Readonly<Record<string, (inputs: NodeInputs) => Section>>>
> = {
  network: {
    network_p2p: p2pSection,
    network_tls: tlsSection("network_tls"),
    network_quic: tlsSection("network_quic"),
  },
  consensus: { consensus_raft: raftSection, consensus_bft: bftSection },
  executor: { executor_evm: executorSection },
  storage: { storage_rocksdb: storageSection },
  controller: { controller: controllerSection },
  kms: { kms_sm: kmsSection("kms_sm"), kms_eth: kmsSection("kms_eth") },
};

function sectionOf(kind: string, inputs: NodeInputs): Section {
  const known = SECTIONS_BY_KIND[kind] ?? {};
  const section = known[chosenImage(kind, inputs.chain) ?? ""];
  if (section !== undefined) return section(inputs);
  const images = Object.keys(known).join(" or ");
  throw new Error(`unsupport ${kind} service: micro_service_list must have the image ${images}`);
}

function chosenImage(kind: string, chain: Pick<ChainConfig, "services">): string | undefined {
  return Object.keys(SECTIONS_BY_KIND[kind] ?? {}).find((image) => isChosen(chain, image));
}

/** Whether the nodes of a chain prove with certificates who they are. */
export function needsCertificates(chain: Pick<ChainConfig, "services">): boolean {
  const network = chosenImage("network", chain);
  return network === "network_tls" || network === "network_quic";
}

/**
 * The text of a node's `config.toml`, one section per service in the reference order
 * (spec/cloud_config.md, section 8).
 */
export function formatServiceConfig(inputs: NodeInputs): string {
  const { chain } = inputs;
  const sections: Section[] = [
    sectionOf("network", inputs),
    sectionOf("consensus", inputs),
    sectionOf("executor", inputs),
    sectionOf("storage", inputs),
    ["genesis_block", genesisTable(chain)],
    ["system_config", systemTable(chain)],
    sectionOf("controller", inputs),
    sectionOf("kms", inputs),
  ];
  return sections.map(([name, table]) => formatToml({ [name]: table })).join("");
}

/** Services of the chain that log through a log4rs file; raft configures logging elsewhere. */
export function rolesWithLogFile(chain: ChainConfig): string[] {
  const isBft = isChosen(chain, "consensus_bft") && !isChosen(chain, "consensus_raft");
  const consensus = isBft ? ["consensus"] : [];
  return ["network", ...consensus, "executor", "storage", "controller", "kms"];
}
