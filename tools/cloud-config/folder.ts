import { loadDocument } from "../../shared/config/mod.ts";
import { PLAIN_MODE, SECRET_MODE } from "../../shared/files/mod.ts";
import { parseFolderPart } from "./addresses.ts";
import { type ChainConfig, formatChainConfig, readChainConfig } from "./chain_config.ts";
import { formatNodeConfig, type NodeConfig, readNodeConfig } from "./node_config.ts";

/** The folders of a chain below its configuration folder (spec/cloud_config.md, section 3). */
export class ChainFolder {
  readonly chainName: string;
  /** What all nodes share. */
  readonly path: string;
  readonly #configDir: string;

  constructor(configDir: string, chainName: string) {
    this.#configDir = configDir;
    this.chainName = parseFolderPart("--chain-name", chainName);
    this.path = `${configDir}/${chainName}`;
  }

  /** Working folder of a node's services. */
  nodePath(domain: string): string {
    return `${this.#configDir}/${this.chainName}-${parseFolderPart("domain", domain)}`;
  }

  /** Key store of an account. */
  accountPath(address: string): string {
    return `${this.path}/accounts/${parseFolderPart("account", address)}`;
  }

  /** Certificate and key of the chain's authority. */
  get authorityPath(): string {
    return `${this.path}/ca_cert`;
  }

  /** Certificate of a node. */
  certPath(domain: string): string {
    return `${this.path}/certs/${parseFolderPart("domain", domain)}`;
  }

  readChain(): ChainConfig {
    return readChainConfig(loadConfig(`${this.path}/chain_config.toml`));
  }

  writeChain(config: ChainConfig): void {
    replaceFile(`${this.path}/chain_config.toml`, formatChainConfig(config), PLAIN_MODE);
  }

  /** Changes the chain's configuration; nothing is written when `change` throws. */
  updateChain(change: (config: ChainConfig) => ChainConfig): void {
    this.writeChain(change(this.readChain()));
  }

  readNode(domain: string): NodeConfig {
    return readNodeConfig(loadConfig(`${this.nodePath(domain)}/node_config.toml`));
  }

  /** Makes the node's folder where it is missing. */
  writeNode(domain: string, config: NodeConfig): void {
    const path = this.nodePath(domain);
    Deno.mkdirSync(path, { recursive: true });
    replaceFile(`${path}/node_config.toml`, formatNodeConfig(config), SECRET_MODE);
  }
}

function loadConfig(path: string) {
  try {
    return loadDocument(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Error while loading config: [${reason}]`, { cause });
  }
}

/** Writes a whole file or leaves the old one: readers never see a part of it. */
export function replaceFile(path: string, text: string, mode: number): void {
  const part = `${path}.part`;
  try {
    Deno.writeTextFileSync(part, text, { mode });
    Deno.chmodSync(part, mode); // the mode above counts for new files only
    Deno.renameSync(part, path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`open file("${path}") failed. ${reason}`, { cause });
  }
}

/** Removes a folder or a file; one that is absent already is no error. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
