import type { Clock } from "../../shared/clock/mod.ts";
import { type Account, newAccount } from "./accounts.ts";
import { type NodeAddress, peerDomain } from "./addresses.ts";
import {
  appendNode,
  appendValidator,
  type ChainSettings,
  deleteNode,
  initChain,
  initChainConfig,
  setAdmin,
} from "./chain.ts";
import { createAuthority, createNodeCertificate } from "./certificates.ts";
import { exists } from "../../shared/files/mod.ts";
import { type ChainFolder, removeIfThere } from "./folder.ts";
import { updateNode } from "./node.ts";
import { needsCertificates } from "./node_sections.ts";
import type { GrpcPorts } from "./node_config.ts";

/** First gRPC port of node 0, and first port on which nodes listen for each other. */
const GRPC_PORT_BASE = 50000;
const LISTEN_PORT_BASE = 40000;
const PORTS_PER_NODE = 1000;
/** Where the listen port lies within a node's ports when `--base-port` moves them. */
const LISTEN_PORT_OFFSET = 10;
const PORT_MAX = 65535;

const KMS_PASSWORD = "123456";
const PACKAGE_LIMIT = 30000n;

/** All nodes run on this machine. */
const HOST = "127.0.0.1";

/** Ports of a node of a development chain. */
export interface DevPorts {
  readonly listen: number;
  readonly grpc: GrpcPorts;
}

/** What `create-dev` and `append-dev` choose for their nodes. */
export interface DevNodeOptions {
  readonly logLevel: string;
  /** Moves all ports of node i to basePort + 1000·i; the layout of the reference tool without. */
  readonly basePort: number | undefined;
}

/** Ports of node `index` (spec/cloud_config.md, section 10); throws when they exceed 65535. */
export function devPorts(index: number, basePort: number | undefined): DevPorts {
  const base = (basePort ?? GRPC_PORT_BASE) + PORTS_PER_NODE * index;
  const listen = basePort === undefined ? LISTEN_PORT_BASE + index : base + LISTEN_PORT_OFFSET;
  if (Math.max(base + 5, listen) > PORT_MAX) {
    throw new Error(
      `Cannot give node ${index} its ports: they must be at most ${PORT_MAX}, ` +
        `got ${base} and up; use a lower --base-port or fewer nodes`,
    );
  }
  return {
    listen,
    grpc: {
      network_port: base,
      consensus_port: base + 1,
      executor_port: base + 2,
      storage_port: base + 3,
      controller_port: base + 4,
      kms_port: base + 5,
    },
  };
}

function devAddress(index: number, ports: DevPorts): NodeAddress {
  return { host: HOST, port: ports.listen, domain: String(index) };
}

function initDevNode(
  folder: ChainFolder,
  { account, address: { domain }, ports, logLevel }: {
    readonly account: Account;
    readonly address: NodeAddress;
    readonly ports: DevPorts;
    readonly logLevel: string;
  },
): void {
  folder.writeNode(domain, {
    grpc_ports: ports.grpc,
    network_listen_port: ports.listen,
    db_key: KMS_PASSWORD,
    key_id: account.keyId,
    package_limit: PACKAGE_LIMIT,
    log_level: logLevel,
    account: account.address,
  });
  updateNode(folder, domain, { configName: "config.toml", isOld: false });
}

function refreshNodes(folder: ChainFolder, addresses: readonly NodeAddress[]): void {
  for (const { domain } of addresses) {
    updateNode(folder, domain, { configName: "config.toml", isOld: true });
  }
}

/** What a new development chain is. */
export interface DevChainOptions extends DevNodeOptions {
  readonly peersCount: number;
  readonly settings: ChainSettings;
  readonly clock: Clock;
  /** Told about each account, the admin's first. */
  readonly report: (account: Account) => void;
}

/** Makes a chain whose nodes all run on this machine, every one a validator. */
export async function createDev(folder: ChainFolder, options: DevChainOptions): Promise<void> {
  const { peersCount, settings, clock, basePort, logLevel, report } = options;
  const layout = Array.from({ length: peersCount }, (_, index) => {
    const ports = devPorts(index, basePort);
    return { ports, address: devAddress(index, ports) };
  });
  const isCertified = needsCertificates(settings);
  if (isCertified) peerDomain(folder.chainName, "0"); // a wrong name fails before anything is written
  initChain(folder);
  await initChainConfig(folder, settings, clock);
  const admin = await newAccount(folder, KMS_PASSWORD);
  report(admin);
  folder.updateChain((config) => setAdmin(config, admin.address));
  const nodes: { account: Account; address: NodeAddress; ports: DevPorts }[] = [];
  for (const { ports, address } of layout) {
    const account = await newAccount(folder, KMS_PASSWORD);
    report(account);
    folder.updateChain((config) => appendNode(appendValidator(config, account.address), address));
    nodes.push({ account, address, ports });
  }
  if (isCertified) {
    createAuthority(folder);
    for (const { address } of nodes) createNodeCertificate(folder, address.domain);
  }
  for (const node of nodes) initDevNode(folder, { ...node, logLevel });
}

/** Adds a node that is no validator to a development chain. */
export async function appendDev(
  folder: ChainFolder,
  { basePort, logLevel }: DevNodeOptions,
): Promise<Account> {
  const chain = folder.readChain();
  const index = chain.nodes.length;
  const ports = devPorts(index, basePort);
  const address = devAddress(index, ports);
  if (exists(folder.nodePath(address.domain))) {
    throw new Error(
      `Cannot append node "${address.domain}": it must be new, ` +
        `got the folder "${folder.nodePath(address.domain)}"`,
    );
  }
  if (needsCertificates(chain)) createNodeCertificate(folder, address.domain);
  const account = await newAccount(folder, KMS_PASSWORD);
  folder.updateChain((config) => appendNode(config, address));
  refreshNodes(folder, chain.nodes);
  initDevNode(folder, { account, address, ports, logLevel });
  return account;
}

/** Removes the highest node of a development chain with its account; validators stay. */
export function deleteDev(folder: ChainFolder): void {
  const chain = folder.readChain();
  const domain = String(chain.nodes.length - 1);
  const changed = deleteNode(chain, domain);
  const { account } = folder.readNode(domain);
  folder.writeChain(changed);
  Deno.removeSync(folder.nodePath(domain), { recursive: true });
  removeIfThere(folder.accountPath(account));
  removeIfThere(folder.certPath(domain));
  refreshNodes(folder, changed.nodes);
}
