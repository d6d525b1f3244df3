import { type Program, unsignedInteger, unsignedLong } from "../../../shared/cli/mod.ts";
import { accountLine, importAccount, newAccount } from "../accounts.ts";
import { parseAccountAddress } from "../addresses.ts";
import { updateNode } from "../node.ts";
import { chainCommand, type ChainFlags, folderOf, logLevel } from "./flags.ts";

const DEFAULT_PASSWORD = "123456";
const PORT = unsignedInteger(65535);

/** gRPC ports of a node by role, as flags; the numbers are the defaults. */
const GRPC_PORTS = {
  network: 50000,
  consensus: 50001,
  executor: 50002,
  storage: 50003,
  controller: 50004,
  kms: 50005,
} as const;

interface InitNodeFlags extends ChainFlags {
  readonly domain: string;
  readonly account: string;
  readonly networkPort: number;
  readonly consensusPort: number;
  readonly executorPort: number;
  readonly storagePort: number;
  readonly controllerPort: number;
  readonly kmsPort: number;
  readonly networkListenPort: number;
  readonly kmsPassword: string;
  readonly keyId: bigint;
  readonly packageLimit: bigint;
  readonly logLevel: string;
}

interface UpdateNodeFlags extends ChainFlags {
  readonly domain: string;
  readonly configName: string;
  readonly isOld: boolean;
}

/** Commands that make accounts. */
export function addAccountCommands(program: Program): void {
  const newCommand = chainCommand(program, "new-account", "new account");
  newCommand
    .option("--kms-password <KMS_PASSWORD>", "password of the key store", DEFAULT_PASSWORD)
    .action(async (flags: ChainFlags & { kmsPassword: string }) => {
      const account = await newAccount(folderOf(flags), flags.kmsPassword);
      newCommand.output.out(accountLine(account));
    });

  const importCommand = chainCommand(program, "import-account", "import account");
  importCommand
    .option("--kms-password <KMS_PASSWORD>", "password of the key store", DEFAULT_PASSWORD)
    .requiredOption("--privkey <PRIVKEY>", "secret key as hex, with or without 0x")
    .action(async (flags: ChainFlags & { kmsPassword: string; privkey: string }) => {
      const { kmsPassword: password, privkey } = flags;
      const account = await importAccount(folderOf(flags), { password, privkey });
      importCommand.output.out(accountLine(account));
    });
}

/** Commands that make the folder of a node. */
export function addNodeCommands(program: Program): void {
  const init = chainCommand(program, "init-node", "init node");
  init.requiredOption("--domain <DOMAIN>", "name of the node");
  for (const [role, port] of Object.entries(GRPC_PORTS)) {
    const name = `${role}-port`;
    init.option(`--${name} <${role.toUpperCase()}_PORT>`, `gRPC port of ${role}`, PORT, port);
  }
  init
    .option(
      "--network-listen-port <NETWORK_LISTEN_PORT>",
      "port on which other nodes reach this one",
      PORT,
      40000,
    )
    .option("--kms-password <KMS_PASSWORD>", "password of the key store", DEFAULT_PASSWORD)
    .option("--key-id <KEY_ID>", "key of the node in its key store", unsignedLong, 1n)
    .option("--package-limit <PACKAGE_LIMIT>", "transactions in a block", unsignedLong, 30000n)
    .option("--log-level <LOG_LEVEL>", "least severe level that is logged", logLevel, "info")
    .requiredOption("--account <ACCOUNT>", "address of the node")
    .action(initNode);

  chainCommand(program, "update-node", "update node")
    .option("--config-name <CONFIG_NAME>", "file to write in the node's folder", "config.toml")
    .requiredOption("--domain <DOMAIN>", "name of the node")
    .option("--is-stdout", "accepted, not used: log files always name the terminal too", false)
    .option("--is-old", "keep kms.db and the log files as they are", false)
    .action((flags: UpdateNodeFlags) => updateNode(folderOf(flags), flags.domain, flags));
}

function initNode(flags: InitNodeFlags): void {
  folderOf(flags).writeNode(flags.domain, {
    grpc_ports: {
      network_port: flags.networkPort,
      consensus_port: flags.consensusPort,
      executor_port: flags.executorPort,
      storage_port: flags.storagePort,
      controller_port: flags.controllerPort,
      kms_port: flags.kmsPort,
    },
    network_listen_port: flags.networkListenPort,
    db_key: flags.kmsPassword,
    key_id: flags.keyId,
    package_limit: flags.packageLimit,
    log_level: flags.logLevel,
    account: parseAccountAddress(flags.account),
  });
}
