import type { Program } from "../../../shared/cli/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import { parseNodeAddress } from "../addresses.ts";
import {
  appendNode,
  appendValidator,
  deleteChain,
  deleteNode,
  initChain,
  initChainConfig,
  setAdmin,
  setNodes,
  setValidators,
} from "../chain.ts";
import { chainCommand, type ChainFlags, folderOf, splitList } from "./flags.ts";
import { addChainConfigFlags, type ChainConfigFlags, settingsOf } from "./services.ts";

/** Commands that make a chain and edit `chain_config.toml`. */
export function addChainCommands(program: Program, clock: Clock): void {
  chainCommand(program, "init-chain", "init a chain")
    .action((flags: ChainFlags) => initChain(folderOf(flags)));

  const initConfig = chainCommand(program, "init-chain-config", "init chain config");
  addChainConfigFlags(initConfig);
  initConfig.action((flags: ChainConfigFlags) =>
    initChainConfig(folderOf(flags), settingsOf(flags), clock)
  );

  chainCommand(program, "set-admin", "set admin of chain")
    .requiredOption("--admin <ADMIN>", "address of the admin")
    .action((flags: ChainFlags & { admin: string }) =>
      folderOf(flags).updateChain((config) => setAdmin(config, flags.admin))
    );

  addValidatorCommands(program);
  addNodeListCommands(program);

  chainCommand(program, "delete-chain", "delete a chain")
    .action((flags: ChainFlags) => deleteChain(folderOf(flags)));
}

function addValidatorCommands(program: Program): void {
  chainCommand(program, "set-validators", "set validators of chain")
    .requiredOption("--validators <VALIDATORS>", "addresses of all validators, a comma list")
    .action((flags: ChainFlags & { validators: string }) =>
      folderOf(flags).updateChain((config) => setValidators(config, splitList(flags.validators)))
    );

  chainCommand(program, "append-validator", "append a validator into chain")
    .requiredOption("--validator <VALIDATOR>", "address of the validator")
    .action((flags: ChainFlags & { validator: string }) =>
      folderOf(flags).updateChain((config) => appendValidator(config, flags.validator))
    );
}

function addNodeListCommands(program: Program): void {
  chainCommand(program, "set-nodelist", "set node list")
    .requiredOption("--nodelist <NODE_LIST>", "all nodes, a comma list of host:port:domain")
    .action((flags: ChainFlags & { nodelist: string }) => {
      const nodes = splitList(flags.nodelist).map(parseNodeAddress);
      folderOf(flags).updateChain((config) => setNodes(config, nodes));
    });

  chainCommand(program, "append-node", "append a node into chain")
    .requiredOption("--node <NODE>", "the node as host:port:domain")
    .action((flags: ChainFlags & { node: string }) => {
      const node = parseNodeAddress(flags.node);
      folderOf(flags).updateChain((config) => appendNode(config, node));
    });

  chainCommand(program, "delete-node", "delete a node from chain")
    .requiredOption("--domain <DOMAIN>", "name of the node")
    .option("--config-name <CONFIG_NAME>", "accepted, not used", "config.toml")
    .action((flags: ChainFlags & { domain: string }) =>
      folderOf(flags).updateChain((config) => deleteNode(config, flags.domain))
    );
}
