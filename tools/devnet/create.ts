import { loadDocument } from "../../shared/config/mod.ts";
import { exists } from "../../shared/files/mod.ts";
import {
  type ChainKind,
  type DevChain,
  findChainName,
  METERED_TABLES,
  type MeteredRole,
  readChain,
  readPorts,
} from "./chain.ts";

/** First port of node 0 unless the user chooses another. */
export const DEFAULT_BASE_PORT = 20000;

const DEFAULTS = { nodes: 4, crypto: "sm", consensus: "bft", network: "p2p" } as const;

/** What this version can run. */
const SUPPORTED: Readonly<Record<keyof ChainKind, readonly string[]>> = {
  crypto: ["sm", "eth"],
  consensus: ["bft", "raft"],
  network: ["p2p", "tls", "quic"],
};

/** What the user asks of the chain; undefined where any will do. */
export interface ChainWish {
  readonly nodes?: number | undefined;
  readonly crypto?: string | undefined;
  readonly consensus?: string | undefined;
  readonly network?: string | undefined;
  readonly basePort?: number | undefined;
  /** Address that may govern a new chain. */
  readonly admin?: string | undefined;
  /** Seconds between the blocks of a new chain. */
  readonly blockInterval?: number | undefined;
}

/** Throws unless this version can run such a chain. */
export function checkSupported(verb: string, kind: Partial<ChainKind>): void {
  for (const aspect of ["crypto", "consensus", "network"] as const) {
    const wanted = kind[aspect];
    const supported = SUPPORTED[aspect];
    if (wanted === undefined || supported.includes(wanted)) continue;
    throw new Error(
      `Cannot ${verb} a chain with ${aspect} "${wanted}": ` +
        `this version has ${supported.join(" and ")} only`,
    );
  }
}

/** Throws when the chain is not as the user wishes: an existing chain keeps its properties. */
export function checkWish(chain: DevChain, wish: ChainWish): void {
  const basePort = chain.nodes[0]?.ports.network;
  for (const [flag, wanted] of [["admin", wish.admin], ["block-interval", wish.blockInterval]]) {
    if (wanted === undefined) continue;
    throw new Error(
      `Cannot start the chain in "${chain.dir}" with --${flag}: it exists, and what is in force ` +
        `changes by transactions of its admin; leave the flag out, see "cldi admin"`,
    );
  }
  const aspects = [
    ["--nodes", wish.nodes, chain.nodes.length],
    ["--crypto", wish.crypto, chain.crypto],
    ["--consensus", wish.consensus, chain.consensus],
    ["--network", wish.network, chain.network],
    ["--base-port", wish.basePort, basePort],
  ] as const;
  for (const [flag, wanted, actual] of aspects) {
    if (wanted === undefined || wanted === actual) continue;
    throw new Error(
      `Cannot start the chain in "${chain.dir}" with ${flag} ${wanted}: it has ${actual}; ` +
        `leave the flag out, or make a new chain in another --dir`,
    );
  }
}

/** What making and changing the files of a chain needs. */
export interface CreateDeps {
  /** Path of the executable. */
  readonly cloudConfig: string;
  readonly say: (line: string) => void;
}

/** Makes a chain in a folder that must be absent or empty. */
export async function createChain(
  dir: string,
  wish: ChainWish,
  { cloudConfig, say }: CreateDeps,
): Promise<DevChain> {
  const settled = {
    nodes: wish.nodes ?? DEFAULTS.nodes,
    crypto: wish.crypto ?? DEFAULTS.crypto,
    consensus: wish.consensus ?? DEFAULTS.consensus,
    network: wish.network ?? DEFAULTS.network,
    basePort: wish.basePort ?? DEFAULT_BASE_PORT,
  };
  checkSupported("create", settled);
  const { nodes, crypto, consensus, network, basePort } = settled;
  say(`creating a chain of ${nodes} nodes (${crypto}, ${consensus}, ${network}) in ${dir}`);
  Deno.mkdirSync(dir, { recursive: true });
  // made aside and moved at the end, so that a killed devnet leaves no half of a chain
  const aside = `${dir}/.new`;
  if (exists(aside)) Deno.removeSync(aside, { recursive: true });
  const [unknown] = Deno.readDirSync(dir);
  if (unknown !== undefined) {
    throw new Error(
      `Cannot create a chain in "${dir}": it must be empty, got "${unknown.name}" in it`,
    );
  }
  Deno.mkdirSync(aside);
  try {
    await runCloudConfig(cloudConfig, [
      "create-dev",
      `--config-dir=${aside}`,
      `--peers-count=${nodes}`,
      `--base-port=${basePort}`,
      ...(network === "p2p" ? [] : [`--is-${network}`]),
      ...(consensus === "bft" ? ["--is-bft"] : []),
      ...(crypto === "eth" ? ["--is-eth"] : []),
    ]);
    await settle(aside, wish, { nodes, cloudConfig });
    addMetricsPorts(aside);
    moveChain(aside, dir);
  } finally {
    Deno.removeSync(aside, { recursive: true });
  }
  const chain = readChain(dir);
  if (chain === null) throw new Error(`Cannot find the new chain in "${dir}"`);
  return chain;
}

/** Writes what `create-dev` has no flags for into the files of the chain and of its nodes. */
async function settle(
  dir: string,
  { admin, blockInterval }: ChainWish,
  { nodes, cloudConfig }: { readonly nodes: number; readonly cloudConfig: string },
): Promise<void> {
  if (admin === undefined && blockInterval === undefined) return;
  if (admin !== undefined) {
    await runCloudConfig(cloudConfig, ["set-admin", `--config-dir=${dir}`, `--admin=${admin}`]);
  }
  if (blockInterval !== undefined) {
    const path = `${dir}/${findChainName(dir)}/chain_config.toml`;
    const text = Deno.readTextFileSync(path);
    const line = `block_interval = ${blockInterval}`;
    Deno.writeTextFileSync(path, text.replace(/^block_interval = .*$/m, line));
  }
  for (let node = 0; node < nodes; node++) {
    const flags = [`--config-dir=${dir}`, `--domain=${node}`, "--is-old"];
    await runCloudConfig(cloudConfig, ["update-node", ...flags]);
  }
}

/**
 * Adds the files of one more node, which is no validator, to a chain. The nodes that run need not
 * know it: it connects to them.
 *
 * @returns the chain with the node as its last one, and the node's address
 */
export async function addNode(
  chain: DevChain,
  { cloudConfig }: CreateDeps,
): Promise<{ readonly chain: DevChain; readonly address: string }> {
  checkSupported("add a node to", chain);
  const basePort = chain.nodes[0]?.ports.network;
  if (basePort === undefined) throw new Error(`Cannot find a node in "${chain.dir}"`);
  const flags = [`--config-dir=${chain.dir}`, `--chain-name=${chain.name}`];
  const out = await runCloudConfig(cloudConfig, [
    "append-dev",
    ...flags,
    `--base-port=${basePort}`,
  ]);
  // cloud-config writes the files of all nodes anew
  addMetricsPorts(chain.dir);
  const changed = readChain(chain.dir);
  if (changed === null) throw new Error(`Cannot find the chain in "${chain.dir}" any more`);
  return { chain: changed, address: /address:([0-9a-f]{40})/.exec(out)?.[1] ?? "" };
}

/** Distance of the port for the metrics of a service from its gRPC port. */
const METRICS_PORT_OFFSET: Readonly<Record<MeteredRole, number>> = {
  controller: 10,
  consensus: 10,
  executor: 10,
  network: 16, // at 10 it listens for other nodes
};

/** Nodes of one machine cannot share a port for metrics, so cloud-config gives them none. */
function addMetricsPorts(dir: string): void {
  for (const { name } of Deno.readDirSync(dir)) {
    const path = `${dir}/${name}/config.toml`;
    if (!exists(path)) continue;
    const ports = readPorts(loadDocument(`${dir}/${name}/node_config.toml`));
    let text = Deno.readTextFileSync(path);
    for (const [table, role] of METERED_TABLES) {
      const line = `metrics_port = ${ports[role] + METRICS_PORT_OFFSET[role]}\n`;
      text = text.replace(new RegExp(`^\\[${table}\\]\n`, "m"), (header) => header + line);
    }
    Deno.writeTextFileSync(path, text);
  }
}

/** Moves the node folders first: a chain counts as there once its own folder is. */
function moveChain(from: string, to: string): void {
  const names = [...Deno.readDirSync(from)].map(({ name }) => name);
  const isChain = (name: string) => exists(`${from}/${name}/chain_config.toml`);
  const ordered = [...names.filter((name) => !isChain(name)), ...names.filter(isChain)];
  for (const name of ordered) Deno.renameSync(`${from}/${name}`, `${to}/${name}`);
}

/** What it prints. */
async function runCloudConfig(executable: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(executable, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  const reason = new TextDecoder().decode(stderr).trim();
  throw new Error(`cloud-config ${args[0]} failed: ${reason}`);
}
