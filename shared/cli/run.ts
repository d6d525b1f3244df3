import { CommanderError } from "commander";
import { type Output, STANDARD_OUTPUT } from "./output.ts";
import { ExitError, Program } from "./program.ts";

/** What a program says about itself. */
export interface ProgramOptions {
  /** Name of the executable. */
  readonly name: string;
  /** One line on what it does. */
  readonly about: string;
  /** All that `-V` prints, e.g. `storage 6.3.3`. */
  readonly versionText: string;
  /** Where it writes; the standard streams when absent. */
  readonly output?: Output;
}

/** The root command of an executable; commands are added with `command()` and `action()`. */
export function createProgram(options: ProgramOptions): Program {
  const program = new Program(options.name, options.output ?? STANDARD_OUTPUT);
  program.description(options.about);
  program.version(options.versionText, "-V, --version", "Print version information");
  return program;
}

/**
 * Parses a command line (without the name of the executable) and runs the chosen action.
 *
 * @returns the exit code: 0 after success, help or version, 2 for a wrong command line, else the
 *   code of the {@linkcode ExitError} that the action threw; other errors are passed on
 */
export async function runProgram(program: Program, argv: readonly string[]): Promise<number> {
  try {
    await program.parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof ExitError) {
      if (error.message !== "") program.output.err(`${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}
