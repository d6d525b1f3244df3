import type { Program } from "../../../shared/cli/mod.ts";
import { createAuthority, createNodeRequest, signNodeRequest } from "../certificates.ts";
import { chainCommand, type ChainFlags, folderOf } from "./flags.ts";

interface DomainFlags extends ChainFlags {
  readonly domain: string;
}

/** Commands that make certificates. */
export function addCertificateCommands(program: Program): void {
  chainCommand(program, "create-ca", "create CA")
    .action((flags: ChainFlags) => createAuthority(folderOf(flags)));

  chainCommand(program, "create-csr", "create csr")
    .requiredOption("--domain <DOMAIN>", "name of the node")
    .action((flags: DomainFlags) => createNodeRequest(folderOf(flags), flags.domain));

  chainCommand(program, "sign-csr", "sign csr")
    .requiredOption("--domain <DOMAIN>", "name of the node")
    .action((flags: DomainFlags) => signNodeRequest(folderOf(flags), flags.domain));
}
