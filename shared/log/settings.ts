import { parse } from "yaml";
import { isLogLevel, type LogThreshold } from "./levels.ts";
import { compilePattern, type Encoder, jsonEncoder } from "./pattern.ts";
import { LogConfigError } from "./config_error.ts";

/** How a rolling file is cut. */
export interface RollingPolicy {
  /** A line that would make the file larger starts a new one. */
  readonly sizeMax: number;
  /** What happens to the old file. */
  readonly roller:
    | { readonly kind: "delete" }
    | {
      readonly kind: "fixed_window";
      /** Path with `{}` for the number; the end `.gz` compresses. */
      readonly pattern: string;
      /** Number of the newest old file. */
      readonly base: number;
      readonly count: number;
    };
}

/** Where log lines go. */
export interface AppenderSettings {
  /** The settings as text; equal texts mean the same appender. */
  readonly identity: string;
  readonly threshold: LogThreshold;
  readonly encode: Encoder;
  readonly target:
    | { readonly kind: "console"; readonly stream: "stdout" | "stderr" }
    | {
      readonly kind: "file";
      readonly path: string;
      readonly append: boolean;
      readonly rolling: RollingPolicy | null;
    };
}

/** What is logged of a part of the program. */
export interface LoggerSettings {
  readonly level: LogThreshold;
  readonly appenders: readonly string[];
  /** Whether the lines also go to the appenders of the part above. */
  readonly additive: boolean;
}

/** A log4rs file (spec/controller.md, section 4). */
export interface LogSettings {
  /** How often the file is read again; null for never. */
  readonly refreshIntervalMs: number | null;
  readonly appenders: ReadonlyMap<string, AppenderSettings>;
  readonly root: LoggerSettings;
  /** By target, such as `controller::pool`. */
  readonly loggers: ReadonlyMap<string, LoggerSettings>;
}

/** Of lines whose appender names no other. */
export const DEFAULT_PATTERN = "{d} {l} {t} - {m}{n}";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  day: 86_400_000,
};

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
};

/** A node of the YAML tree that knows its place, for error texts. */
class Field {
  constructor(readonly value: unknown, readonly place: string, readonly fileName: string) {}

  fail(wanted: string): never {
    const got = this.value === undefined ? "nothing" : JSON.stringify(this.value);
    throw new LogConfigError(
      `Cannot use ${this.place} of "${this.fileName}": it must be ${wanted}, got ${got}`,
    );
  }

  get isAbsent(): boolean {
    return this.value === undefined || this.value === null;
  }

  get(name: string): Field {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail("a mapping");
    const child: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
    return new Field(child, this.place === "" ? name : `${this.place}.${name}`, this.fileName);
  }

  entries(): [string, Field][] {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail("a mapping");
    return Object.keys(value).map((name) => [name, this.get(name)]);
  }

  text(): string {
    return typeof this.value === "string" ? this.value : this.fail("a string");
  }

  bool(whenAbsent: boolean): boolean {
    if (this.isAbsent) return whenAbsent;
    return typeof this.value === "boolean" ? this.value : this.fail("true or false");
  }

  count(whenAbsent: number): number {
    if (this.isAbsent) return whenAbsent;
    const { value } = this;
    return typeof value === "number" && Number.isInteger(value) && value >= 0
      ? value
      : this.fail("a whole number");
  }

  texts(): string[] {
    if (this.isAbsent) return [];
    const { value } = this;
    if (!Array.isArray(value)) return this.fail("a list of names");
    return value.map((name) => typeof name === "string" ? name : this.fail("a list of names"));
  }

  oneOf<Choice extends string>(choices: readonly Choice[], whenAbsent?: Choice): Choice {
    if (this.isAbsent && whenAbsent !== undefined) return whenAbsent;
    return choices.find((choice) => choice === this.value) ?? this.fail(choices.join(" or "));
  }

  /** A number with a unit, such as `50mb` or `30 seconds`. */
  quantity(units: Readonly<Record<string, number>>): number {
    const [, digits, unit = ""] = /^(\d+)\s*([a-z]*)$/i.exec(String(this.value).trim()) ?? [];
    const lower = unit.toLowerCase();
    const factor = units[lower] ?? units[lower.replace(/s$/, "")];
    if (digits === undefined || factor === undefined) {
      return this.fail("a whole number and a unit");
    }
    return Number(digits) * factor;
  }

  level(whenAbsent: LogThreshold): LogThreshold {
    if (this.isAbsent) return whenAbsent;
    // YAML reads a bare `off` as text, but some files hold it as a boolean
    const name = this.value === false ? "off" : String(this.value).toLowerCase();
    return name === "off" || isLogLevel(name)
      ? name
      : this.fail("off, error, warn, info, debug or trace");
  }
}

/** Reads the text of a log4rs file; throws a {@linkcode LogConfigError} that names the field. */
export function parseLogSettings(source: string, fileName: string): LogSettings {
  let document: unknown;
  try {
    document = parse(source);
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    throw new LogConfigError(`Cannot parse "${fileName}": ${reason}`, { cause });
  }
  const top = new Field(document, "", fileName);
  if (top.isAbsent) top.fail("a mapping");
  const refresh = top.get("refresh_rate");
  const appendersField = top.get("appenders");
  const appenders = new Map(
    appendersField.isAbsent
      ? []
      : appendersField.entries().map(([name, field]) => [name, readAppender(field)]),
  );
  const loggersField = top.get("loggers");
  const loggers = new Map(
    loggersField.isAbsent
      ? []
      : loggersField.entries().map(([target, field]) => [target, readLogger(field, appenders)]),
  );
  const rootField = top.get("root");
  const root = rootField.isAbsent
    ? { level: "debug" as const, appenders: [], additive: true }
    : readLogger(rootField, appenders);
  const refreshIntervalMs = refresh.isAbsent ? null : refresh.quantity(UNIT_MS);
  return { refreshIntervalMs, appenders, root, loggers };
}

function readLogger(field: Field, appenders: ReadonlyMap<string, unknown>): LoggerSettings {
  const names = field.get("appenders").texts();
  const missing = names.find((name) => !appenders.has(name));
  if (missing !== undefined) {
    field.get("appenders").fail(`names under "appenders" ("${missing}" is not there)`);
  }
  return {
    level: field.get("level").level("debug"),
    appenders: names,
    additive: field.get("additive").bool(true),
  };
}

function readAppender(field: Field): AppenderSettings {
  return {
    identity: JSON.stringify(field.value),
    threshold: readThreshold(field.get("filters")),
    encode: readEncoder(field.get("encoder")),
    target: readTarget(field),
  };
}

function readThreshold(filters: Field): LogThreshold {
  if (filters.isAbsent) return "trace";
  const { value, place, fileName } = filters;
  if (!Array.isArray(value)) return filters.fail("a list of filters");
  let threshold: LogThreshold = "trace";
  value.forEach((entry, index) => {
    const filter = new Field(entry, `${place}[${index}]`, fileName);
    filter.get("kind").oneOf(["threshold"]);
    threshold = filter.get("level").level("trace");
  });
  return threshold;
}

function readEncoder(field: Field): Encoder {
  if (field.isAbsent) return compilePattern(DEFAULT_PATTERN);
  if (field.get("kind").oneOf(["pattern", "json"], "pattern") === "json") return jsonEncoder();
  const pattern = field.get("pattern");
  if (pattern.isAbsent) return compilePattern(DEFAULT_PATTERN);
  try {
    return compilePattern(pattern.text());
  } catch (error) {
    if (error instanceof RangeError) return pattern.fail(error.message);
    throw error;
  }
}

function readTarget(field: Field): AppenderSettings["target"] {
  const kind = field.get("kind").oneOf(["console", "file", "rolling_file"]);
  if (kind === "console") {
    return { kind, stream: field.get("target").oneOf(["stdout", "stderr"], "stdout") };
  }
  return {
    kind: "file",
    path: field.get("path").text(),
    append: field.get("append").bool(true),
    rolling: kind === "file" ? null : readPolicy(field.get("policy")),
  };
}

function readPolicy(policy: Field): RollingPolicy {
  policy.get("kind").oneOf(["compound"], "compound");
  const trigger = policy.get("trigger");
  trigger.get("kind").oneOf(["size"]);
  const sizeMax = trigger.get("limit").quantity(UNIT_BYTES);
  const roller = policy.get("roller");
  if (roller.get("kind").oneOf(["fixed_window", "delete"]) === "delete") {
    return { sizeMax, roller: { kind: "delete" } };
  }
  const patternField = roller.get("pattern");
  const pattern = patternField.text();
  if (!pattern.includes("{}")) patternField.fail("a path with {} for the number");
  const base = roller.get("base").count(0);
  const count = roller.get("count").count(1);
  return { sizeMax, roller: { kind: "fixed_window", pattern, base, count } };
}
