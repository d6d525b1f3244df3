/**
 * The command line of every executable: usage errors and help in the layout of the reference
 * programs (spec/cldi.md, section 1), exit code 2 for a wrong command line.
 *
 * @module
 */

export { askSecrets, type Terminal } from "./ask_secrets.ts";
export { catchInterrupt, type Interrupt, INTERRUPTED_EXIT_CODE } from "./interrupt.ts";
export { type Output, STANDARD_OUTPUT } from "./output.ts";
export { ExitError, Program } from "./program.ts";
export { formatCount, Progress, type ProgressOptions, StatusLine } from "./progress.ts";
export { createProgram, type ProgramOptions, runProgram } from "./run.ts";
export { InvalidArgumentError, unsignedInteger, unsignedLong } from "./values.ts";
export { Argument, Option } from "commander";
