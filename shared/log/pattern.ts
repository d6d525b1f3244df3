import process from "node:process";
import type { LogLevel } from "./logger.ts";
import { compileTimeFormat, ISO_8601 } from "./time_format.ts";

/** One line to be logged. */
export interface LogRecord {
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly target: string;
  readonly message: string;
}

/** Gives the text of a record. */
export type Encoder = (record: LogRecord, withColour: boolean) => string;

/** One JSON object a line, with the field names of log4rs. */
export function jsonEncoder(): Encoder {
  const writeTime = compileTimeFormat(ISO_8601, "local");
  return ({ timeMs, level, target, message }) =>
    JSON.stringify({
      time: writeTime(timeMs),
      message,
      target,
      level: level.toUpperCase(),
      pid: process.pid,
    }) + "\n";
}

/**
 * Compiles a pattern of log4rs, such as `{d} {l} {t} - {m}{n}` (spec/controller.md, section 4).
 *
 * @throws {RangeError} that says what the pattern must be
 */
export function compilePattern(pattern: string): Encoder {
  const { parts, end } = parseParts(pattern, 0, false);
  if (end !== pattern.length) throw new RangeError("a pattern with matching parentheses");
  return joinParts(parts);
}

function joinParts(parts: readonly Encoder[]): Encoder {
  return (record, withColour) => {
    let text = "";
    for (const part of parts) text += part(record, withColour);
    return text;
  };
}

/** Reads literals and `{...}` up to the end, or up to a closing parenthesis of a group. */
function parseParts(pattern: string, start: number, isGroup: boolean) {
  const parts: Encoder[] = [];
  let at = start;
  while (at < pattern.length) {
    const character = pattern[at] ?? "";
    const next = pattern[at + 1];
    if (isGroup && character === ")") break;
    if (character === "\\" || (character === next && "{}".includes(character))) {
      const literal = next ?? "\\";
      parts.push(() => literal);
      at += 2;
    } else if (character === "{") {
      const formatter = parseFormatter(pattern, at + 1);
      parts.push(formatter.encode);
      at = formatter.end;
    } else {
      parts.push(() => character);
      at++;
    }
  }
  return { parts, end: at };
}

interface ParsedFormatter {
  readonly encode: Encoder;
  readonly end: number;
}

/** Reads `name(argument)(argument):format}` behind an opening brace. */
function parseFormatter(pattern: string, start: number): ParsedFormatter {
  const [name = ""] = /^[a-zA-Z_]*/.exec(pattern.slice(start)) ?? [];
  let at = start + name.length;
  const texts: string[] = [];
  const groups: Encoder[] = [];
  while (pattern[at] === "(") {
    const { parts, end } = parseParts(pattern, at + 1, true);
    if (pattern[end] !== ")") throw new RangeError("a pattern with matching parentheses");
    texts.push(pattern.slice(at + 1, end));
    groups.push(joinParts(parts));
    at = end + 1;
  }
  const close = pattern.indexOf("}", at);
  if (close < 0) throw new RangeError("a pattern with matching braces");
  const format = pattern.slice(at, close);
  const encode = formatterOf(name, texts, groups);
  return { encode: applyFormat(encode, format), end: close + 1 };
}

const ANSI: Readonly<Record<LogLevel, string>> = {
  error: "\x1b[1;31m",
  warn: "\x1b[33m",
  info: "\x1b[32m",
  debug: "",
  trace: "\x1b[36m",
};

function formatterOf(name: string, texts: readonly string[], groups: readonly Encoder[]): Encoder {
  const [group = () => ""] = groups;
  switch (name) {
    case "d":
    case "date":
      return dateFormatter(texts);
    case "l":
    case "level":
      return ({ level }) => level.toUpperCase();
    case "t":
    case "target":
    case "M":
    case "module":
      return ({ target }) => target;
    case "m":
    case "message":
      return ({ message }) => message;
    case "n":
      return () => "\n";
    case "T":
    case "thread":
      return () => "main";
    case "I":
    case "thread_id":
    case "i":
    case "tid":
    case "P":
    case "pid":
      return () => String(process.pid);
    case "h":
    case "highlight":
      return (record, withColour) => {
        const text = group(record, withColour);
        const colour = ANSI[record.level];
        return withColour && colour !== "" ? `${colour}${text}\x1b[0m` : text;
      };
    case "f":
    case "file":
    case "L":
    case "line":
      return () => "???"; // as log4rs writes what is not known
    case "X":
    case "mdc":
      return () => texts[1] ?? ""; // there is no diagnostic context
    case "D":
    case "debug":
      return () => "";
    case "":
    case "R":
    case "release":
      return group;
    default:
      throw new RangeError(`a pattern of known formatters such as {d} {l} {t} (not {${name}})`);
  }
}

/** Applies `:[fill][<^>][min][.max]`. */
function applyFormat(encode: Encoder, format: string): Encoder {
  if (format === "") return encode;
  const match = /^:(?:(.)?([<>^]))?0?(\d+)?(?:\.(\d+))?$/u.exec(format);
  if (match === null) throw new RangeError(`a pattern with formats like :<5 (not ${format})`);
  const [, fill = " ", align = "<", minText = "0", maxText] = match;
  const min = Number(minText);
  return (record, withColour) => {
    const text = encode(record, withColour);
    const cut = maxText === undefined ? text : text.slice(0, Number(maxText));
    const missing = Math.max(0, min - cut.length);
    const before = align === ">" ? missing : align === "^" ? Math.floor(missing / 2) : 0;
    return fill.repeat(before) + cut + fill.repeat(missing - before);
  };
}

function dateFormatter([format = "", zone = "local"]: readonly string[]): Encoder {
  if (zone !== "local" && zone !== "utc") {
    throw new RangeError(`a pattern with the time zone local or utc (not ${zone})`);
  }
  const write = compileTimeFormat(format === "" ? ISO_8601 : format, zone);
  return ({ timeMs }) => write(timeMs);
}
