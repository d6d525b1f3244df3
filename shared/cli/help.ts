import type { Command, Help, Option } from "commander";
import { nameOfArgument } from "./errors.ts";

const LINE_WIDTH = 100;

/** Names of a command and its parents, joined; the root alone has no parent. */
function pathOf(command: Command, separator: string): string {
  const parent = command.parent;
  return parent === null ? command.name() : pathOf(parent, separator) + separator + command.name();
}

/** What to type, e.g. `cldi send [OPTIONS] <to> [data]`; only help and version are no options. */
export function usageLine(command: Command): string {
  const needed = command.options.filter((option) => option.mandatory).map((option) =>
    (option.long ?? option.short ?? "") + option.flags.replace(/^[^<[]*/, " ")
  );
  const hasOptional = command.options.some((option) => !option.mandatory && !isVersion(option));
  const operands = command.registeredArguments.map(nameOfArgument);
  const words = [pathOf(command, " "), ...hasOptional ? ["[OPTIONS]"] : [], ...needed, ...operands];
  if (command.commands.length > 0) words.push("<SUBCOMMAND>");
  return words.join(" ");
}

function isVersion(option: Option): boolean {
  return option.attributeName() === "version";
}

/** One entry of a list: the term, padded, and its explanation wrapped beside it. */
function formatEntry(term: string, explanation: string, termWidth: number): string {
  const indent = " ".repeat(4 + termWidth + 4);
  const lines: string[] = [];
  let line = "";
  for (const word of explanation.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > LINE_WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return `    ${term.padEnd(termWidth)}    ${lines.join(`\n${indent}`)}`.trimEnd();
}

function formatBlock(title: string, entries: readonly (readonly [string, string])[]): string {
  if (entries.length === 0) return "";
  const width = Math.max(...entries.map(([term]) => term.length));
  const lines = entries.map(([term, explanation]) => formatEntry(term, explanation, width));
  return `\n${title}:\n${lines.join("\n")}\n`;
}

/** Long flags of options that have no short one are aligned behind the short ones. */
function optionTerm(option: Option): string {
  return option.short === undefined ? `    ${option.flags}` : option.flags;
}

function optionText(option: Option): string {
  const notes: string[] = [];
  const { argChoices, defaultValue } = option;
  if (!option.isBoolean() && defaultValue !== undefined) {
    notes.push(`[default: ${option.defaultValueDescription ?? String(defaultValue)}]`);
  }
  if (argChoices !== undefined) notes.push(`[possible values: ${argChoices.join(", ")}]`);
  return [option.description, ...notes].join(" ").trim();
}

function versionLast(options: readonly Option[]): Option[] {
  return [...options.filter((option) => !isVersion(option)), ...options.filter(isVersion)];
}

/** The help page of a command in the layout of the reference programs. */
export function formatHelp(command: Command, helper: Help): string {
  const title = command.parent === null
    ? command.version() ?? command.name()
    : `${pathOf(command, "-")} `;
  const about = helper.commandDescription(command);
  const commands = helper.visibleCommands(command).map((child) => {
    const text = child.name() === "help"
      ? "Print this message or the help of the given subcommand(s)"
      : helper.subcommandDescription(child);
    return [child.name(), text] as const;
  });
  return [
    `${title}\n`,
    about === "" ? "" : `${about}\n`,
    `\nUSAGE:\n    ${usageLine(command)}\n`,
    formatBlock(
      "ARGS",
      command.registeredArguments.map((operand) =>
        [`<${operand.name()}>`, operand.description] as const
      ),
    ),
    formatBlock(
      "OPTIONS",
      versionLast(helper.visibleOptions(command)).map((option) =>
        [optionTerm(option), optionText(option)] as const
      ),
    ),
    formatBlock("SUBCOMMANDS", commands),
  ].join("");
}
