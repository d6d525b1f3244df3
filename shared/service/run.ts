import process from "node:process";
import { createProgram, ExitError, runProgram } from "../cli/mod.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { useStrictUtf8 } from "../codec/mod.ts";
import {
  ConfigError,
  type ConfigKeys,
  loadDocument,
  readTable,
  unknownKeys,
} from "../config/mod.ts";
import { initLog, LogConfigError, type LogControl } from "../log/mod.ts";
import { gitVersion } from "./build_info.ts";
import { chooseFlavour, type Flavours } from "./flavour.ts";
import { exitOnPanic, runUntilStopped, stopOnSignals } from "./process.ts";

/** Base version of the protocol that every role speaks. */
const VERSION = "6.3.3";

/** What the executable of a role is. */
export interface ServiceDescription<KeysByName extends Record<string, ConfigKeys>> {
  /** Name of the role and of its executable. */
  readonly role: string;
  /** One line for `--help`. */
  readonly about: string;
  /** What `-V` prints; `<role> 6.3.3` by default. */
  readonly versionText?: string;
  /** Whether the executable prints nothing and succeeds without a command, as some roles do. */
  readonly isQuietWithoutCommand?: boolean;
  readonly flavours: Flavours<KeysByName>;
  /** Tables of flavours that this version cannot run, each with the reason. */
  readonly unavailable?: Readonly<Record<string, string>>;
}

interface RunOptions {
  readonly config: string;
  readonly log: string;
  readonly flavour?: string;
}

/** Runs the executable of a role and ends the process. */
export async function runService<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
): Promise<never> {
  useStrictUtf8();
  const { role, about, versionText = `${role} ${VERSION}`, flavours } = description;
  const program = createProgram({ name: role, about, versionText });
  program.command("run")
    .description("run this service from the command line")
    .option("-c, --config <path>", "the node's configuration file", "config.toml")
    .option("-l, --log <path>", "the log4rs YAML file of this service", `${role}-log4rs.yaml`)
    .option("--flavour <table>", "the table to use when the configuration has several")
    .action(async (options: RunOptions) => {
      const exitCode = await run(description, options);
      if (exitCode !== 0) throw new ExitError(exitCode);
    });
  program.command("git")
    .description("print the source version and the home page")
    .action(() => {
      const [flavour] = Object.values(flavours);
      program.output.out(`git version: ${gitVersion()}\nhomepage: ${flavour?.homepage}\n`);
    });
  const args = process.argv.slice(2);
  if (args.length === 0 && description.isQuietWithoutCommand === true) process.exit(0);
  process.exit(await runProgram(program, args));
}

async function run<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
  options: RunOptions,
): Promise<number> {
  let logging: LogControl | null = null;
  try {
    const { flavours } = description;
    const document = loadDocument(options.config);
    const name: keyof KeysByName & string = chooseFlavour({
      role: description.role,
      document,
      names: Object.keys(flavours),
      unavailable: description.unavailable ?? {},
      wanted: options.flavour,
    });
    const flavour = flavours[name];
    const config = readTable(flavour.table, document);
    logging = await initLog(options.log, { target: description.role, clock: SYSTEM_CLOCK });
    const { log } = logging;
    const unknown = unknownKeys(flavour.table, document);
    if (unknown.length > 0) {
      log.warn(`unknown keys in [${name}] are ignored: ${unknown.join(", ")}`);
    }

    const stopRequest = new AbortController();
    exitOnPanic(log);
    stopOnSignals(stopRequest, log);
    const context = { config, document, log, clock: SYSTEM_CLOCK, signal: stopRequest.signal };
    const service = { log, clock: SYSTEM_CLOCK, stopRequest };
    return await runUntilStopped(() => flavour.start(context), service);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof LogConfigError)) throw error;
    throw new ExitError(1, error.message);
  } finally {
    await logging?.close();
  }
}
