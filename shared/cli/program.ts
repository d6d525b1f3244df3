import { Command, type ErrorOptions as CommandErrorOptions, Help, type Option } from "commander";
import { describeUsageError } from "./errors.ts";
import { formatHelp, usageLine } from "./help.ts";
import type { Output } from "./output.ts";

/** Ends the program with an exit code; a message that is not empty goes to stderr first. */
export class ExitError extends Error {
  constructor(readonly exitCode: number, message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ExitError";
  }
}

/** A command whose help, errors and strictness are those of the reference programs. */
export class Program extends Command {
  /** Where help, errors and the results of the actions go. */
  readonly output: Output;

  constructor(name: string | undefined, output: Output) {
    super(name);
    this.output = output;
    this.exitOverride();
    this.enablePositionalOptions();
    this.helpOption("-h, --help", "Print help information");
    this.configureOutput({ writeOut: output.out, writeErr: output.err });
  }

  override createCommand(name?: string): Program {
    return new Program(name, this.output);
  }

  override createHelp(): Help {
    const help = new Help();
    help.formatHelp = formatHelp;
    return help;
  }

  /** As in the reference programs, an option that holds one value may be given once. */
  override addOption(option: Option): this {
    if (!option.variadic) {
      this.on(`option:${option.name()}`, () => {
        if (this.getOptionValueSource(option.attributeName()) !== "cli") return;
        this.error(`error: option '${option.flags}' given twice`, { code: "cli.givenTwice" });
      });
    }
    return super.addOption(option);
  }

  /** Prints a usage error in the reference layout and ends with exit code 2. */
  override error(message: string, options?: CommandErrorOptions): never {
    const { what, showUsage } = describeUsageError(this, message, options?.code ?? "");
    const usage = showUsage ? `\nUSAGE:\n    ${usageLine(this)}\n` : "";
    this.output.err(`error: ${what}\n${usage}\nFor more information try --help\n`);
    throw new ExitError(2, "");
  }
}
