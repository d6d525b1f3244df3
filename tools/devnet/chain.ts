import { exists } from "../../shared/files/mod.ts";
import {
  type ConfigDocument,
  defineTable,
  integer,
  loadDocument,
  port,
  readTable,
  tableList,
  text,
} from "../../shared/config/mod.ts";

/** The six services of a node; those that others wait for come first. */
export const ROLES = ["kms", "storage", "network", "executor", "consensus", "controller"] as const;

/** One of the six services. */
export type Role = (typeof ROLES)[number];

/** What distinguishes chains; the words are those of the flags. */
export interface ChainKind {
  readonly crypto: string;
  readonly consensus: string;
  readonly network: string;
}

/** A node of the chain, as its folder describes it. */
export interface DevNode {
  readonly index: number;
  /** Working folder of its services. */
  readonly path: string;
  /** gRPC ports. */
  readonly ports: Readonly<Record<Role, number>>;
  /** Where the other nodes reach it. */
  readonly listenPort: number;
  /** Where services show metrics, those whose configuration has a port for them. */
  readonly metricsPorts: Readonly<Partial<Record<MeteredRole, number>>>;
}

/** A chain on this machine. */
export interface DevChain extends ChainKind {
  /** Folder that holds everything, as the user named it. */
  readonly dir: string;
  readonly name: string;
  readonly nodes: readonly DevNode[];
}

const SERVICES = defineTable("chain_config", {
  micro_service_list: tableList({
    keys: { image: text({ doc: "implementation" }) },
    doc: "implementations of the roles",
  }),
  node_network_address_list: tableList({
    keys: { domain: text({ doc: "name" }), port: integer({ doc: "listens here", max: 65535 }) },
    doc: "nodes of the chain",
  }),
});

const GRPC_PORTS = defineTable("grpc_ports", {
  consensus_port: port({ doc: "consensus" }),
  controller_port: port({ doc: "controller" }),
  executor_port: port({ doc: "executor" }),
  kms_port: port({ doc: "kms" }),
  network_port: port({ doc: "network" }),
  storage_port: port({ doc: "storage" }),
});

/** Roles whose services show metrics. */
export type MeteredRole = "controller" | "consensus" | "executor" | "network";

/** The tables of a node's configuration that may have a port for metrics, and whose they are. */
export const METERED_TABLES: readonly (readonly [table: string, role: MeteredRole])[] = [
  ["controller", "controller"],
  ["consensus_bft", "consensus"],
  ["consensus_raft", "consensus"],
  ["executor_evm", "executor"],
  ["network_p2p", "network"],
  ["network_tls", "network"],
  ["network_quic", "network"],
];

/** Images by the word of the flag, `consensus_bft` by `bft`. */
function kindOf(images: readonly string[], role: string): string {
  const image = images.find((name) => name.startsWith(`${role}_`)) ?? "";
  return image.slice(role.length + 1);
}

/** Name of the folder below `dir` that holds the chain; null when there is none. */
export function findChainName(dir: string): string | null {
  const names: string[] = [];
  try {
    for (const { name, isDirectory } of Deno.readDirSync(dir)) {
      if (isDirectory && exists(`${dir}/${name}/chain_config.toml`)) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (names.length > 1) {
    throw new Error(`Cannot use "${dir}": it must hold one chain, got ${names.sort().join(", ")}`);
  }
  return names[0] ?? null;
}

/** Reads the chain in a folder, whoever made it; null when there is none. */
export function readChain(dir: string): DevChain | null {
  const name = findChainName(dir);
  if (name === null) return null;
  const document = loadDocument(`${dir}/${name}/chain_config.toml`);
  const { fileName, tables } = document;
  const lists = readTable(SERVICES, { fileName, tables: { chain_config: tables } });
  const images = lists.micro_service_list.map(({ image }) => image);
  return {
    dir,
    name,
    crypto: kindOf(images, "kms"),
    consensus: kindOf(images, "consensus"),
    network: kindOf(images, "network"),
    nodes: lists.node_network_address_list.map(({ domain, port }, index) => {
      const path = `${dir}/${name}-${domain}`;
      const ports = readPorts(loadDocument(`${path}/node_config.toml`));
      const metricsPorts = readMetricsPorts(loadDocument(`${path}/config.toml`));
      return { index, path, ports, listenPort: port, metricsPorts };
    }),
  };
}

function readMetricsPorts(document: ConfigDocument): DevNode["metricsPorts"] {
  const ports: Partial<Record<MeteredRole, number>> = {};
  for (const [table, role] of METERED_TABLES) {
    if (document.tables[table] === undefined) continue;
    const keys = { metrics_port: port({ default: 0, doc: "metrics of the service; 0: none" }) };
    const { metrics_port } = readTable(defineTable(table, keys), document);
    if (metrics_port !== 0) ports[role] = metrics_port;
  }
  return ports;
}

/** The gRPC ports of a node by its `node_config.toml`. */
export function readPorts(document: ConfigDocument): Readonly<Record<Role, number>> {
  const ports = readTable(GRPC_PORTS, document);
  return {
    kms: ports.kms_port,
    storage: ports.storage_port,
    network: ports.network_port,
    executor: ports.executor_port,
    consensus: ports.consensus_port,
    controller: ports.controller_port,
  };
}

/** What a port of a node is for: gRPC of a role, the other nodes, metrics of a role. */
export type PortUse = Role | "listen" | "metrics" | `${MeteredRole}_metrics`;

/** Every port of a node with what it is for. */
export function portsOf({ ports, listenPort, metricsPorts }: DevNode): [PortUse, number][] {
  const { controller, consensus, executor, network } = metricsPorts;
  const uses: [PortUse, number | undefined][] = [
    ...ROLES.map((role): [Role, number] => [role, ports[role]]),
    ["listen", listenPort],
    ["metrics", controller],
    ["consensus_metrics", consensus],
    ["executor_metrics", executor],
    ["network_metrics", network],
  ];
  return uses.filter((use): use is [PortUse, number] => use[1] !== undefined);
}
