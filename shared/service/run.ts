import process from "node:process";
import {
  createProgram,
  ExitError,
  Option,
  type Output,
  type Program,
  runProgram,
} from "../cli/mod.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { useStrictUtf8 } from "../codec/mod.ts";
import {
  ConfigError,
  type ConfigKeys,
  loadDocument,
  readTable,
  unknownKeys,
} from "../config/mod.ts";
import { exists } from "../files/mod.ts";
import { initLog, initPlainLog, LogConfigError, type LogControl } from "../log/mod.ts";
import { gitVersion } from "./build_info.ts";
import { chooseFlavour, type CommandValues, type Flavour, type Flavours } from "./flavour.ts";
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

/** Options of every command that reads the configuration. */
interface ConfigOptions {
  readonly config: string;
  readonly flavour?: string;
}

interface RunOptions extends ConfigOptions, CommandValues {
  readonly log: string;
}

/** Runs the executable of a role and ends the process. */
export async function runService<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
): Promise<never> {
  useStrictUtf8();
  const { role, about, versionText = `${role} ${VERSION}`, flavours } = description;
  const program = createProgram({ name: role, about, versionText });
  const runCommand = withConfigOptions(program.command("run"))
    .description("run this service from the command line")
    .option("-l, --log <path>", "the log4rs YAML file of this service", `${role}-log4rs.yaml`);
  for (const [flags, optionAbout] of runOptionsOf(flavours)) runCommand.option(flags, optionAbout);
  runCommand.action(async (options: RunOptions) => {
    const isLogNamed = runCommand.getOptionValueSource("log") === "cli";
    const exitCode = await run(description, options, isLogNamed);
    if (exitCode !== 0) throw new ExitError(exitCode);
  });
  addOfflineCommands(program, description);
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

function withConfigOptions(command: Program): Program {
  return command
    .option("-c, --config <path>", "the node's configuration file", "config.toml")
    .option("--flavour <table>", "the table to use when the configuration has several");
}

/** The options of `run` of all flavours; flavours that share one declare it alike. */
function runOptionsOf(flavours: Flavours<Record<string, ConfigKeys>>): Map<string, string> {
  return new Map(Object.values(flavours).flatMap(({ runOptions = [] }) => runOptions));
}

/** The values of a flavour's own options; refuses those of its siblings. */
function ownOptions(
  { name, flavour, options }: {
    readonly name: string;
    readonly flavour: Pick<Flavour<ConfigKeys>, "runOptions">;
    readonly options: RunOptions;
  },
): CommandValues {
  const { config: _config, flavour: _flavour, log: _log, ...values } = options;
  const own = new Set(flavour.runOptions?.map(([flags]) => new Option(flags).attributeName()));
  for (const option of Object.keys(values)) {
    if (!own.has(option)) {
      throw new ConfigError(`Cannot use the option "${option}": [${name}] does not have it`);
    }
  }
  return values;
}

/** Flavours share the names of their commands; what one does may differ. */
function addOfflineCommands<KeysByName extends Record<string, ConfigKeys>>(
  program: Program,
  description: ServiceDescription<KeysByName>,
): void {
  const added = new Set<string>();
  const flavours: Flavour<ConfigKeys>[] = Object.values(description.flavours);
  for (const { commands = {} } of flavours) {
    for (const [name, { about, options = [], details }] of Object.entries(commands)) {
      if (added.has(name)) continue;
      added.add(name);
      const command = withConfigOptions(program.command(name)).description(about);
      for (const [flags, optionAbout] of options) command.option(flags, optionAbout);
      if (details !== undefined) command.addHelpText("after", `\n${details}`);
      command.action(async (values: ConfigOptions) => {
        const exitCode = await runOffline(description, name, values, program.output);
        if (exitCode !== 0) throw new ExitError(exitCode);
      });
    }
  }
}

async function runOffline<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
  commandName: string,
  options: ConfigOptions,
  output: Output,
): Promise<number> {
  try {
    const { name, flavour, config } = readFlavour(description, options);
    const command = flavour.commands?.[commandName];
    if (command === undefined) {
      throw new ConfigError(`Cannot run "${commandName}": [${name}] does not have it`);
    }
    return await command.run({ config, options: { ...options }, output, clock: SYSTEM_CLOCK });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ExitError(1, error.message);
  }
}

/** The flavour that a configuration chooses, with its table read. */
function readFlavour<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
  { config: path, flavour: wanted }: ConfigOptions,
) {
  const { flavours } = description;
  const document = loadDocument(path);
  const name: keyof KeysByName & string = chooseFlavour({
    role: description.role,
    document,
    names: Object.keys(flavours),
    unavailable: description.unavailable ?? {},
    wanted,
  });
  const flavour = flavours[name];
  return { name, flavour, document, config: readTable(flavour.table, document) };
}

async function run<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
  options: RunOptions,
  isLogNamed: boolean,
): Promise<number> {
  let logging: LogControl | null = null;
  try {
    const { name, flavour, document, config } = readFlavour(description, options);
    const ownValues = ownOptions({ name, flavour, options });
    const logOptions = { target: description.role, clock: SYSTEM_CLOCK };
    const plainLog = isLogNamed || exists(options.log)
      ? undefined
      : flavour.plainLog?.({ config, options: ownValues });
    logging = plainLog === undefined
      ? await initLog(options.log, logOptions)
      : initPlainLog(plainLog, logOptions);
    const { log } = logging;
    const unknown = unknownKeys(flavour.table, document);
    if (unknown.length > 0) {
      log.warn(`unknown keys in [${name}] are ignored: ${unknown.join(", ")}`);
    }

    const stopRequest = new AbortController();
    exitOnPanic(log);
    stopOnSignals(stopRequest, log);
    const { signal } = stopRequest;
    const context = { config, document, options: ownValues, log, clock: SYSTEM_CLOCK, signal };
    const service = { log, clock: SYSTEM_CLOCK, stopRequest };
    return await runUntilStopped(() => flavour.start(context), service);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof LogConfigError)) throw error;
    throw new ExitError(1, error.message);
  } finally {
    await logging?.close();
  }
}
