import type { Argument, Command, Option } from "commander";

/** Text of a usage error after `error: `, and whether the usage line follows it. */
export interface UsageError {
  readonly what: string;
  readonly showUsage: boolean;
}

/** How messages name an option: by its long flag where it has one, with its value. */
function nameOfOption(flags: string): string {
  return flags.replace(/^-\w, (?=--)/, "");
}

/** `<name>` of a required argument, `[name]` otherwise, with `...` when it takes several. */
export function nameOfArgument(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? "..." : "");
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** Every required option and argument that the command line lacks, as the help shows them. */
function missingOf(command: Command): string[] {
  const options = command.options.filter((option: Option) =>
    option.mandatory && command.getOptionValue(option.attributeName()) === undefined
  );
  const operands = command.registeredArguments.slice(command.args.length);
  return [
    ...options.map((option) => nameOfOption(option.flags)),
    ...operands.filter((operand) => operand.required).map((operand) =>
      `<${operand.name()}>${operand.variadic ? "..." : ""}`
    ),
  ];
}

function notExpected(argument: string, suggestion: string | undefined): UsageError {
  let what = `Found argument '${argument}' which wasn't expected, or isn't valid in this context`;
  if (suggestion !== undefined) what += `\n\n\tDid you mean '${suggestion}'?`;
  if (argument.startsWith("-")) {
    what += `\n\n\tIf you tried to supply \`${argument}\` as a value rather than a flag, ` +
      `use \`-- ${argument}\``;
  }
  return { what, showUsage: true };
}

function badValue(message: string): UsageError {
  const option = /^error: option '(.+?)' argument '(.*)' is invalid\. (.*)$/s.exec(message);
  const operand = /^error: command-argument value '(.*)' is invalid for argument '(.+?)'\. (.*)$/s
    .exec(message);
  const [name = "", value = "", reason = ""] = option !== null
    ? [nameOfOption(option[1] ?? ""), option[2], option[3]]
    : [`<${operand?.[2] ?? ""}>`, operand?.[1], operand?.[3]];
  const choices = /^Allowed choices are (.*)\.$/.exec(reason);
  const what = choices === null
    ? `Invalid value "${value}" for '${name}': ${reason}`
    : `"${value}" isn't a valid value for '${name}'\n\t[possible values: ${choices[1]}]`;
  return { what, showUsage: false };
}

/** The argument parser's message in the words of the reference programs (spec/cldi.md, 1.1). */
export function describeUsageError(command: Command, message: string, code: string): UsageError {
  const quoted = /'(.+?)'/s.exec(message)?.[1] ?? "";
  const suggestion = /\(Did you mean (?:one of )?([^,?]+)/.exec(message)?.[1];
  switch (code) {
    case "commander.unknownOption":
      return notExpected(quoted, suggestion);
    case "commander.unknownCommand":
      return suggestion === undefined ? notExpected(quoted, undefined) : {
        what: `The subcommand '${quoted}' wasn't recognized\n\n\tDid you mean '${suggestion}'?`,
        showUsage: true,
      };
    case "commander.excessArguments":
      return notExpected(command.args[command.registeredArguments.length] ?? "", undefined);
    case "commander.missingArgument":
    case "commander.missingMandatoryOptionValue": {
      const lines = missingOf(command).map((name) => `\n    ${name}`).join("");
      const what = `The following required arguments were not provided:${lines}`;
      return { what, showUsage: true };
    }
    case "commander.optionMissingArgument": {
      const name = nameOfOption(quoted);
      const what = `The argument '${name}' requires a value but none was supplied`;
      return { what, showUsage: true };
    }
    case "commander.conflictingOption": {
      const names = Array.from(
        message.matchAll(/'(.+?)'/g),
        ([, flags = ""]) => nameOfOption(flags),
      );
      const what = `The argument '${names[0]}' cannot be used with '${names[1]}'`;
      return { what, showUsage: true };
    }
    case "commander.invalidArgument":
      return badValue(message);
    case "cli.givenTwice": {
      const what = `The argument '${nameOfOption(quoted)}' was provided more than once, ` +
        "but cannot be used multiple times";
      return { what, showUsage: true };
    }
    default:
      return { what: message.replace(/^error: /, ""), showUsage: true };
  }
}
