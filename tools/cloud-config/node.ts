import { SECRET_MODE } from "../../shared/files/mod.ts";
import { readNodeCertificates } from "./certificates.ts";
import { type ChainFolder, replaceFile } from "./folder.ts";
import { formatLogFile } from "./log_files.ts";
import { formatServiceConfig, rolesWithLogFile } from "./node_sections.ts";

/** What `update-node` makes again. */
export interface UpdateOptions {
  /** File name within the node's folder. */
  readonly configName: string;
  /** Keeps the key store and the log files as they are. */
  readonly isOld: boolean;
}

/** Makes the configuration of a node's services from the chain's and the node's. */
export function updateNode(folder: ChainFolder, domain: string, options: UpdateOptions): void {
  const chain = folder.readChain();
  const node = folder.readNode(domain);
  const path = folder.nodePath(domain);
  const text = formatServiceConfig({
    chainName: folder.chainName,
    domain,
    chain,
    node,
    readCertificates: () => readNodeCertificates(folder, domain),
  });
  if (!options.isOld) {
    copyKeyStore(`${folder.accountPath(node.account)}/kms.db`, `${path}/kms.db`);
    for (const role of rolesWithLogFile(chain)) {
      Deno.writeTextFileSync(`${path}/${role}-log4rs.yaml`, formatLogFile(role, node.log_level));
    }
  }
  replaceFile(`${path}/${options.configName}`, text, SECRET_MODE);
}

function copyKeyStore(from: string, to: string): void {
  try {
    Deno.copyFileSync(from, to);
    Deno.chmodSync(to, SECRET_MODE);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot copy "${from}" to "${to}": ${reason}`, { cause });
  }
}
