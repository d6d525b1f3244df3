import type { Clock } from "../../shared/clock/mod.ts";
import { toHex } from "../../shared/bytes/mod.ts";
import { loadSm3 } from "../../shared/crypto/mod.ts";
import { type NodeAddress, parseAccountAddress } from "./addresses.ts";
import type { ChainConfig, MicroService } from "./chain_config.ts";
import { exists } from "../../shared/files/mod.ts";
import type { ChainFolder } from "./folder.ts";

const IGNORED_FILES = "accounts/*/\nca_cert/key.pem\ncerts/*/key.pem\n";

/** What `init-chain-config` fixes for the whole chain. */
export interface ChainSettings {
  /** 0 stands for now. */
  readonly timestamp: bigint;
  readonly prevhash: string;
  readonly version: number;
  /** Empty stands for the SM3 hash of the chain's name. */
  readonly chainId: string;
  readonly blockInterval: number;
  readonly blockLimit: bigint;
  readonly services: readonly MicroService[];
}

/** Makes the folder of a new chain. */
export function initChain(folder: ChainFolder): void {
  const { path } = folder;
  if (exists(path)) {
    throw new Error(
      `called \`Result::unwrap()\` on an \`Err\` value: DupChainName ("${path}" exists already)`,
    );
  }
  for (const name of ["accounts", "ca_cert", "certs"]) {
    Deno.mkdirSync(`${path}/${name}`, { recursive: true });
    Deno.writeTextFileSync(`${path}/${name}/.gitkeep`, "");
  }
  Deno.writeTextFileSync(`${path}/.gitignore`, IGNORED_FILES);
}

/** Writes a fresh `chain_config.toml` without admin, validators and nodes. */
export async function initChainConfig(
  folder: ChainFolder,
  settings: ChainSettings,
  clock: Clock,
): Promise<void> {
  const { timestamp, prevhash, version, chainId, blockInterval, blockLimit, services } = settings;
  const sm3 = await loadSm3();
  folder.writeChain({
    nodes: [],
    services,
    genesis: { prevhash, timestamp: timestamp === 0n ? BigInt(clock.nowMs()) : timestamp },
    system: {
      admin: "",
      block_interval: blockInterval,
      block_limit: blockLimit,
      chain_id: chainId === "" ? toHex(sm3(new TextEncoder().encode(folder.chainName))) : chainId,
      validators: [],
      version,
    },
  });
}

/** Makes an account the chain's admin. */
export function setAdmin(config: ChainConfig, admin: string): ChainConfig {
  return { ...config, system: { ...config.system, admin: parseAccountAddress(admin) } };
}

/** Replaces the validators; their order is kept. */
export function setValidators(config: ChainConfig, validators: readonly string[]): ChainConfig {
  const addresses = validators.map(parseAccountAddress);
  return { ...config, system: { ...config.system, validators: addresses } };
}

/** Adds a validator behind the others. */
export function appendValidator(config: ChainConfig, validator: string): ChainConfig {
  return setValidators(config, [...config.system.validators, validator]);
}

/** Replaces the node list; its order is kept. */
export function setNodes(config: ChainConfig, nodes: readonly NodeAddress[]): ChainConfig {
  return { ...config, nodes };
}

/** Adds a node behind the others. */
export function appendNode(config: ChainConfig, node: NodeAddress): ChainConfig {
  return setNodes(config, [...config.nodes, node]);
}

/** Takes the first node of that domain out of the list; its folder and its validator stay. */
export function deleteNode(config: ChainConfig, domain: string): ChainConfig {
  const index = config.nodes.findIndex((node) => node.domain === domain);
  if (index < 0) {
    throw new Error(`Can't found node that want to delete! The chain has no domain "${domain}"`);
  }
  return setNodes(config, config.nodes.toSpliced(index, 1));
}

/** Removes the folders of all listed nodes, then the chain's. */
export function deleteChain(folder: ChainFolder): void {
  for (const { domain } of folder.readChain().nodes) {
    Deno.removeSync(folder.nodePath(domain), { recursive: true });
  }
  Deno.removeSync(folder.path, { recursive: true });
}
