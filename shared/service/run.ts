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
import {
  chooseFlavour,
  type CommandOption,
  type CommandValues,
  type Flavour,
  type Flavours,
  type OfflineCommand,
  type PlainCommand,
} from "./flavour.ts";
import { exitOnPanic, runUntilStopped, stopOnSignals } from "./process.ts";

/** Base version of the protocol that every role speaks. */
const VERSION = "6.3.3";

const CONFIG_PATH = "config.toml";

/** What the executable of a role is. */
export interface ServiceDescription<KeysByName extends Record<string, ConfigKeys>> {
  /** Name of the role and of its executable. */
  readonly role: string;
  /** One line for `--help`. */
  readonly about: string;
  readonly flavours: Flavours<KeysByName>;
  /** Commands by name that need no configuration. */
  readonly plainCommands?: Readonly<Record<string, PlainCommand>>;
  /** Tables of flavours that this version cannot run, each with the reason. */
  readonly unavailable?: Readonly<Record<string, string>>;
}

/** Options of every command that reads the configuration. */
interface ConfigOptions {
  readonly config: string;
  readonly flavour?: string;
}

/** How a flavour presents itself to whoever only asks what the executable is. */
type Presented = Pick<Flavour<ConfigKeys>, "homepage" | "versionText" | "textWithoutCommand">;

type WithOptions = Pick<Flavour<ConfigKeys>, "runOptions" | "logOptions">;

interface RunOptions extends ConfigOptions, CommandValues {
  readonly log: string;
}

/** Runs the executable of a role and ends the process. */
export async function runService<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
): Promise<never> {
  useStrictUtf8();
  const { role, about, flavours } = description;
  const { homepage, versionText = `${role} ${VERSION}`, textWithoutCommand } = flavourAtHand(
    description,
  );
  const program = createProgram({ name: role, about, versionText });
  const runCommand = withConfigOptions(program.command("run"))
    .alias("r")
    .description("run this service from the command line")
    .option("-l, --log <path>", "the log4rs YAML file of this service", `${role}-log4rs.yaml`);
  for (const option of runOptionsOf(flavours)) runCommand.addOption(option);
  runCommand.action(async (options: RunOptions) => {
    const isLogNamed = runCommand.getOptionValueSource("log") === "cli";
    const exitCode = await run(description, options, isLogNamed);
    if (exitCode !== 0) throw new ExitError(exitCode);
  });
  addOfflineCommands(program, description);
  for (const [name, command] of Object.entries(description.plainCommands ?? {})) {
    addPlainCommand(program, name, command);
  }
  program.command("git")
    .description("print the source version and the home page")
    .action(() => {
      program.output.out(`git version: ${gitVersion()}\nhomepage: ${homepage}\n`);
    });
  const args = process.argv.slice(2);
  if (args.length === 0 && textWithoutCommand !== undefined) {
    program.output.out(textWithoutCommand);
    process.exit(0);
  }
  process.exit(await runProgram(program, args));
}

/**
 * The flavour that the executable presents itself as, since the reference has one for each: that of
 * the configuration in the working folder, or the first.
 */
function flavourAtHand<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
): Presented {
  try {
    return findFlavour(description, { config: CONFIG_PATH }).flavour;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = Object.values<Presented>(description.flavours);
    if (first === undefined) throw new Error(`The role ${description.role} has no flavour`);
    return first;
  }
}

function withConfigOptions(command: Program): Program {
  return command
    .option("-c, --config <path>", "the node's configuration file", CONFIG_PATH)
    .option("--flavour <table>", "the table to use when the configuration has several");
}

/** The options of `run` of all flavours; flavours that share one declare it alike. */
function runOptionsOf(flavours: Flavours<Record<string, ConfigKeys>>): Option[] {
  const declared = new Map(
    Object.values(flavours).flatMap(ownRunOptions).map((option) => [option[0], option]),
  );
  return [...declared.values()].map(([flags, about, excluded = []]) =>
    new Option(flags, about).conflicts([...excluded])
  );
}

function ownRunOptions({ runOptions = [], logOptions = [] }: WithOptions): CommandOption[] {
  return [...runOptions, ...logOptions];
}

function keysOf(options: readonly CommandOption[]): Set<string> {
  return new Set(options.map(([flags]) => new Option(flags).attributeName()));
}

/** The values of a flavour's own options; refuses those of its siblings. */
function ownOptions(
  { name, flavour, options }: {
    readonly name: string;
    readonly flavour: WithOptions;
    readonly options: RunOptions;
  },
): CommandValues {
  const { config: _config, flavour: _flavour, log: _log, ...values } = options;
  const own = keysOf(ownRunOptions(flavour));
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
    for (const [name, declared] of Object.entries(commands)) {
      if (added.has(name)) continue;
      added.add(name);
      const command = offlineCommand(program, name, declared);
      command.action(async () => {
        const given = { name, options: command.opts<ConfigOptions>(), args: command.args };
        const exitCode = await runOffline(description, given, program.output);
        if (exitCode !== 0) throw new ExitError(exitCode);
      });
    }
  }
}

function addPlainCommand(program: Program, name: string, declared: PlainCommand): void {
  const command = program.command(name).alias(declared.alias).description(declared.about);
  for (const [syntax, about] of declared.arguments) command.argument(syntax, about);
  command.action(() => declared.run({ args: command.args, output: program.output }));
}

type Declared = Omit<OfflineCommand<ConfigKeys>, "run">;

function offlineCommand(program: Program, name: string, declared: Declared): Program {
  const { about, options = [], details } = declared;
  const command = withConfigOptions(program.command(name)).description(about);
  for (const [syntax, argumentAbout] of declared.arguments ?? []) {
    command.argument(syntax, argumentAbout);
  }
  for (const [flags, optionAbout] of options) command.option(flags, optionAbout);
  if (details !== undefined) command.addHelpText("after", `\n${details}`);
  return command;
}

/** What was typed of an offline command. */
interface GivenCommand {
  readonly name: string;
  readonly options: ConfigOptions;
  readonly args: readonly string[];
}

async function runOffline<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
  { name: commandName, options, args }: GivenCommand,
  output: Output,
): Promise<number> {
  try {
    const { name, flavour, document, config } = readFlavour(description, options);
    const command = flavour.commands?.[commandName];
    if (command === undefined) {
      throw new ConfigError(`Cannot run "${commandName}": [${name}] does not have it`);
    }
    const values = { ...options };
    return await command.run({
      config,
      document,
      options: values,
      args,
      output,
      clock: SYSTEM_CLOCK,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ExitError(1, error.message);
  }
}

/** The flavour that a configuration chooses, with its table read. */
function readFlavour<KeysByName extends Record<string, ConfigKeys>>(
  description: ServiceDescription<KeysByName>,
  options: ConfigOptions,
) {
  const found = findFlavour(description, options);
  return { ...found, config: readTable(found.flavour.table, found.document) };
}

function findFlavour<KeysByName extends Record<string, ConfigKeys>>(
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
  return { name, flavour: flavours[name], document };
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
    const level = (flavour.logLevels ?? []).find((word) => isLogNamed && word === options.log);
    const isLogChosen = level !== undefined ||
      [...keysOf(flavour.logOptions ?? [])].some((key) => key in ownValues);
    const isFileUsed = level === undefined && (isLogNamed || exists(options.log) && !isLogChosen);
    const plainOptions = level === undefined ? ownValues : { ...ownValues, logLevel: level };
    const plainLog = isFileUsed ? undefined : flavour.plainLog?.({ config, options: plainOptions });
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
