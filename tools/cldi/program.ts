import {
  createProgram,
  ExitError,
  Option,
  type Output,
  type Program,
} from "../../shared/cli/mod.ts";
import type { Suites } from "./account.ts";
import { addAccountCommands } from "./commands/account.ts";
import { addAdminCommands } from "./commands/admin.ts";
import { addContextCommands } from "./commands/context.ts";
import { addGetCommands } from "./commands/get.ts";
import { addRpcCommands } from "./commands/rpc.ts";
import { addSendCommands } from "./commands/send.ts";
import type { DataFolder } from "./data_folder.ts";
import { cryptoOption, type InSession } from "./command.ts";
import { renderError } from "./errors.ts";
import { chooseContext, type ContextOverrides, Session } from "./session.ts";
import { parseServiceAddress } from "./values.ts";

/** The client whose behaviour this is (spec/cldi.md). */
const VERSION_TEXT = "cldi 0.3.0";
const AUTHOR = "Rivtower Technologies <contact@rivtower.com>";
const ABOUT = "The command line interface to interact with CITA-Cloud";

/** What the program needs from outside. */
export interface CldiEnvironment {
  /** Contexts and accounts of the user. */
  readonly folder: DataFolder;
  readonly suites: Suites;
  readonly output: Output;
}

/** The whole command line of cldi. */
export function createCldi({ folder, suites, output }: CldiEnvironment): Program {
  const program = createProgram({
    name: "cldi",
    about: `${AUTHOR}\n${ABOUT}`,
    versionText: VERSION_TEXT,
    output,
  });
  program.enablePositionalOptions()
    .addOption(new Option("-c, --context <context>", "context setting"))
    .addOption(
      new Option("-r <controller-addr>", "controller address").argParser(parseServiceAddress),
    )
    .addOption(new Option("-e <executor-addr>", "executor address").argParser(parseServiceAddress))
    .addOption(new Option("-u <account-name>", "account name"))
    .addOption(cryptoOption("The crypto type of the target chain"));

  const inSession: InSession = (act) => async (...args) => {
    let session: Session | null = null;
    try {
      const context = chooseContext(folder, program.opts<ContextOverrides>());
      session = new Session(folder, context, suites, output);
      await act(session, ...args);
    } catch (error) {
      // the exit writes a line end of its own
      throw new ExitError(1, renderError(error).slice(0, -1), { cause: error });
    } finally {
      session?.close();
    }
  };
  addGetCommands(program, inSession);
  addSendCommands(program, inSession);
  addContextCommands(program, inSession);
  addAccountCommands(program, inSession);
  addAdminCommands(program, inSession);
  addRpcCommands(program, inSession);
  return program;
}
