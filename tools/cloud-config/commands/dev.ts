import { Option, type Program, unsignedInteger } from "../../../shared/cli/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import { accountLine } from "../accounts.ts";
import { appendDev, createDev, deleteDev } from "../dev.ts";
import { chainCommand, type ChainFlags, folderOf, logLevel } from "./flags.ts";
import { settingsWith } from "./services.ts";

const U16_MAX = 65535;

interface AppendDevFlags extends ChainFlags {
  readonly logLevel: string;
  readonly basePort?: number;
}

interface CreateDevFlags extends AppendDevFlags {
  readonly peersCount: number;
  readonly isTls: boolean;
  readonly isQuic: boolean;
  readonly isBft: boolean;
  readonly isEth: boolean;
}

function addNodeFlags(command: Program): void {
  command
    .option("--log-level <LOG_LEVEL>", "least severe level that is logged", logLevel, "info")
    .option(
      "--base-port <BASE_PORT>",
      "move all ports of node i to BASE_PORT + 1000*i and up (listening at +10)",
      unsignedInteger(U16_MAX),
    );
}

/** Commands for chains whose nodes all run on one machine. */
export function addDevCommands(program: Program, clock: Clock): void {
  const create = chainCommand(program, "create-dev", "create config in env dev");
  create.option("--peers-count <PEERS_COUNT>", "number of nodes", unsignedInteger(U16_MAX), 4);
  addNodeFlags(create);
  create
    .option("--is-tls", "network_tls instead of network_p2p", false)
    .addOption(
      new Option("--is-quic", "network_quic instead of network_p2p").default(false)
        .conflicts("isTls"),
    )
    .option("--is-bft", "consensus_bft instead of consensus_raft", false)
    .option("--is-eth", "kms_eth instead of kms_sm", false)
    .action(async (flags: CreateDevFlags) => {
      await createDev(folderOf(flags), {
        peersCount: flags.peersCount,
        settings: settingsWith({
          ...(flags.isTls ? { network: "network_tls" } : {}),
          ...(flags.isQuic ? { network: "network_quic" } : {}),
          ...(flags.isBft ? { consensus: "consensus_bft" } : {}),
          ...(flags.isEth ? { kms: "kms_eth" } : {}),
        }),
        clock,
        logLevel: flags.logLevel,
        basePort: flags.basePort,
        report: (account) => create.output.out(accountLine(account)),
      });
    });

  const append = chainCommand(program, "append-dev", "append node in env dev");
  addNodeFlags(append);
  append.action(async (flags: AppendDevFlags) => {
    const { logLevel, basePort } = flags;
    const account = await appendDev(folderOf(flags), { logLevel, basePort });
    append.output.out(accountLine(account));
  });

  chainCommand(program, "delete-dev", "delete node in env dev")
    .action((flags: ChainFlags) => deleteDev(folderOf(flags)));
}
