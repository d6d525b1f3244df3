import { createProgram, ExitError, type Output, runProgram } from "../../shared/cli/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import { addAbsentCommands } from "./commands/absent.ts";
import { addCertificateCommands } from "./commands/certificates.ts";
import { addChainCommands } from "./commands/chain.ts";
import { addDevCommands } from "./commands/dev.ts";
import { addAccountCommands, addNodeCommands } from "./commands/node.ts";

/** Exit code of every failure that is no usage error: upstream panics. */
const PANIC_EXIT_CODE = 101;

/** Runs one command line of the tool; gives its exit code (spec/cloud_config.md, section 1). */
export async function runCloudConfig(
  argv: readonly string[],
  { clock, output }: { readonly clock: Clock; readonly output: Output },
): Promise<number> {
  const program = createProgram({
    name: "cloud-config",
    about: "Creates and edits all configuration files of a CITA-Cloud chain",
    versionText: "cloud-config 6.3.3",
    output,
  });
  addChainCommands(program, clock);
  addAccountCommands(program);
  addNodeCommands(program);
  addCertificateCommands(program);
  addDevCommands(program, clock);
  addAbsentCommands(program);
  try {
    return await runProgram(program, argv);
  } catch (error) {
    if (error instanceof ExitError || !(error instanceof Error)) throw error;
    output.err(`Error: ${error.message}\n`);
    return PANIC_EXIT_CODE;
  }
}
