import type { Output } from "../cli/mod.ts";
import type { Clock } from "../clock/mod.ts";
import {
  type ConfigDocument,
  ConfigError,
  type ConfigKeys,
  type ConfigTable,
  type ValuesOf,
} from "../config/mod.ts";
import type { Logger, PlainLog } from "../log/mod.ts";

/**
 * Flags of an option, such as `--json` or `--out <path>`, its line for `--help`, and the long names
 * in camel case of the options that it excludes.
 */
export type CommandOption = readonly [flags: string, about: string, excluded?: readonly string[]];

/** A positional argument: `<name>`, or `[name]` where it may be left out, and its line for `--help`. */
export type CommandArgument = readonly [syntax: string, about: string];

/** Values of options by their long names in camel case; an option that was not given is absent. */
export type CommandValues = Readonly<Record<string, unknown>>;

/** What a service gets from its process. */
export interface ServiceContext<Keys extends ConfigKeys> {
  /** The flavour's own table. */
  readonly config: ValuesOf<Keys>;
  /** The whole file, for roles that read further tables. */
  readonly document: ConfigDocument;
  /** The values of the flavour's own options of `run`. */
  readonly options: CommandValues;
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts when the process is asked to stop; every wait must end then. */
  readonly signal: AbortSignal;
}

/** A service that accepts calls. */
export interface RunningService {
  /** Stops accepting, finishes what was accepted, and releases everything. Called once. */
  stop(): Promise<void>;
}

/** What an offline command gets from its process. */
export interface OfflineContext<Keys extends ConfigKeys> {
  /** The flavour's own table. */
  readonly config: ValuesOf<Keys>;
  /** The whole file, for commands that look for other services. */
  readonly document: ConfigDocument;
  /** The values of the command's options. */
  readonly options: CommandValues;
  /** The positional arguments that were given, in their order. */
  readonly args: readonly string[];
  /** Where results go; nothing is written to the log files of the service. */
  readonly output: Output;
  readonly clock: Clock;
}

/** A command of an executable besides `run` and `git`, for operators; it ends by itself. */
export interface OfflineCommand<Keys extends ConfigKeys> {
  /** One line for `--help`. */
  readonly about: string;
  /** Positional arguments; those that may be left out come last. */
  readonly arguments?: readonly CommandArgument[];
  readonly options?: readonly CommandOption[];
  /** What `--help` teaches below the options, with examples. */
  readonly details?: string;
  /**
   * Does the work and gives the exit code. An `ExitError` ends the program with its text; any other
   * error is a defect.
   */
  run(context: OfflineContext<Keys>): Promise<number>;
}

/** A command of an executable that reads no configuration. */
export interface PlainCommand {
  /** One line for `--help`. */
  readonly about: string;
  /** A second, shorter name. */
  readonly alias: string;
  readonly arguments: readonly CommandArgument[];
  /** Does the work; an `ExitError` ends the program with its text. */
  run(context: Pick<OfflineContext<ConfigKeys>, "args" | "output">): void;
}

/** One implementation of a role, chosen by the presence of its table in `config.toml`. */
export interface Flavour<Keys extends ConfigKeys> {
  readonly table: ConfigTable<Keys>;
  /** Printed by the `git` command. */
  readonly homepage: string;
  /** What `-V` prints; `<role> 6.3.3` by default. */
  readonly versionText?: string;
  /** What is printed, with success, when there is no command; by default that is a wrong usage. */
  readonly textWithoutCommand?: string;
  /** Resolves when the service accepts calls; a rejection ends the process with code 1. */
  start(context: ServiceContext<Keys>): Promise<RunningService>;
  /** Options of `run` that only some flavours have; the others refuse them. */
  readonly runOptions?: readonly CommandOption[];
  /** Those that say where to log; they go before a log4rs file that is there but not named. */
  readonly logOptions?: readonly CommandOption[];
  /** Words that `-l` takes as the level of a plain log rather than as the path of a log4rs file. */
  readonly logLevels?: readonly string[];
  /**
   * Where it logs when there is no log4rs file and none is named; without it that is an error. The
   * option `logLevel` is there when `-l` names a level.
   */
  plainLog?(context: Pick<ServiceContext<Keys>, "config" | "options">): PlainLog;
  /** Offline commands by name. */
  readonly commands?: Readonly<Record<string, OfflineCommand<Keys>>>;
}

/** Flavours by the name of their table. */
export type Flavours<KeysByName extends Record<string, ConfigKeys>> = {
  readonly [Name in keyof KeysByName]: Flavour<KeysByName[Name]>;
};

/** How the flavour is chosen. */
export interface FlavourChoice {
  readonly role: string;
  readonly document: ConfigDocument;
  /** Names of the flavours that this executable holds. */
  readonly names: readonly string[];
  /** Tables of flavours that exist elsewhere, each with the reason why not here. */
  readonly unavailable: Readonly<Record<string, string>>;
  /** The name given by `--flavour`. */
  readonly wanted: string | undefined;
}

/**
 * Picks the flavour whose table is in the document (design.md, section 1).
 *
 * @throws {ConfigError} when there is none, more than one, or one that is not available
 */
export function chooseFlavour(choice: FlavourChoice): string {
  const { role, document, names, unavailable, wanted } = choice;
  const present = [...names, ...Object.keys(unavailable)].filter((name) => name in document.tables);
  const place = `"${document.fileName}"`;
  if (wanted !== undefined) {
    const known = names.map((name) => `"${name}"`).join(", ");
    if (!names.includes(wanted)) {
      throw new ConfigError(`Cannot use --flavour "${wanted}": it must be one of ${known}`);
    }
    return wanted;
  }
  const [only, other] = present;
  if (only !== undefined && other !== undefined) {
    throw new ConfigError(
      `Cannot choose the ${role} of ${place}: it has tables [${only}] and [${other}], ` +
        "keep one or give --flavour",
    );
  }
  if (only !== undefined) {
    const reason = unavailable[only];
    if (reason === undefined) return only;
    throw new ConfigError(`Cannot use [${only}] of ${place}: ${reason}`);
  }
  const wantedTables = names.map((name) => `[${name}]`).join(" or ");
  throw new ConfigError(`Cannot use ${place}: it must have a table ${wantedTables}`);
}
