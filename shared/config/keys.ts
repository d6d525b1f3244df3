import { type Bytes, parseHex } from "../bytes/mod.ts";

/** A TOML value as the parser gives it. */
export type TomlValue = unknown;

/** What is wrong with a value: the part of the message after "it must". */
export class KeyProblem extends Error {
  override name = "KeyProblem";
}

/** One key of a table: its type, default, check and meaning. */
export interface ConfigKey<Value> {
  /** What a reader of the documentation sees as type, such as `port`. */
  readonly typeName: string;
  /** One sentence on what the key does. */
  readonly doc: string;
  /** Whether error texts must not show the value. */
  readonly isSecret?: boolean;
  /** Taken when the key is absent; undefined makes the key required. */
  readonly default: Value | undefined;
  /** Gives the value, or throws a {@linkcode KeyProblem} that says what it must be. */
  read(value: TomlValue): Value;
}

/** Declares a key; without a default the key is required. */
export interface KeyOptions<Value> {
  readonly default?: Value;
  readonly doc: string;
}

function key<Value>(
  typeName: string,
  options: KeyOptions<Value>,
  read: (value: TomlValue) => Value,
): ConfigKey<Value> {
  return { typeName, doc: options.doc, default: options.default, read };
}

/** Range of an integer key; both ends are allowed. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

function readInteger(value: TomlValue, min: bigint, max: bigint): bigint {
  const integer = typeof value === "bigint"
    ? value
    : typeof value === "number" && Number.isInteger(value)
    ? BigInt(value)
    : null;
  if (integer === null) throw new KeyProblem("be an integer");
  if (integer < min || integer > max) throw new KeyProblem(`be in ${min}..${max}`);
  return integer;
}

/** An integer within 0..2^53-1 or a narrower range. */
export function integer(options: KeyOptions<number> & Range): ConfigKey<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  const read = (value: TomlValue) => Number(readInteger(value, BigInt(min), BigInt(max)));
  return key(`integer${showRange(options)}`, options, read);
}

function showRange({ min = 0, max }: Range): string {
  if (max !== undefined) return ` ${min}..${max}`;
  return min === 0 ? "" : ` from ${min}`;
}

/** A TCP port; 0 lets the system choose. */
export function port(options: KeyOptions<number>): ConfigKey<number> {
  return key("port", options, (value) => Number(readInteger(value, 0n, 65535n)));
}

/** An unsigned integer of 32 bits. */
export function u32(options: KeyOptions<number>): ConfigKey<number> {
  return key("u32", options, (value) => Number(readInteger(value, 0n, 0xffff_ffffn)));
}

/** An unsigned integer of 64 bits. */
export function u64(options: KeyOptions<bigint>): ConfigKey<bigint> {
  return key("u64", options, (value) => readInteger(value, 0n, 0xffff_ffff_ffff_ffffn));
}

/** Numbers above 0 in ascending order, at least one. */
export function numbers(
  options: KeyOptions<readonly number[]>,
): ConfigKey<readonly number[]> {
  return key("array of numbers", options, (value) => {
    const found: unknown[] = Array.isArray(value) ? value : [];
    const ascending: number[] = [];
    for (const entry of found) {
      const number = typeof entry === "bigint" ? Number(entry) : entry;
      const isHigher = typeof number === "number" && number > (ascending.at(-1) ?? 0);
      if (!isHigher || !Number.isFinite(number)) break;
      ascending.push(number);
    }
    if (found.length === 0 || ascending.length < found.length) {
      throw new KeyProblem("be an array of numbers above 0 in ascending order");
    }
    return ascending;
  });
}

/** `true` or `false`. */
export function bool(options: KeyOptions<boolean>): ConfigKey<boolean> {
  return key("bool", options, (value) => {
    if (typeof value !== "boolean") throw new KeyProblem("be true or false");
    return value;
  });
}

function readText(value: TomlValue): string {
  if (typeof value !== "string") throw new KeyProblem("be a string");
  return value;
}

/** Any string. */
export function text(options: KeyOptions<string>): ConfigKey<string> {
  return key("string", options, readText);
}

/** A string that has a form; `wanted` completes "it must". */
export function matching(
  options: KeyOptions<string> & { readonly pattern: RegExp; readonly wanted: string },
): ConfigKey<string> {
  return key("string", options, (value) => {
    const found = readText(value);
    if (!options.pattern.test(found)) throw new KeyProblem(options.wanted);
    return found;
  });
}

/** One of a few words. */
export function choice<const Choice extends string>(
  options: KeyOptions<NoInfer<Choice>> & { readonly choices: readonly Choice[] },
): ConfigKey<Choice> {
  const words = options.choices.map((word) => `"${word}"`).join(", ");
  return key<Choice>("choice", { ...options, doc: `${options.doc}: ${words}` }, (value) => {
    const found = options.choices.find((word) => word === value);
    if (found === undefined) throw new KeyProblem(`be one of ${words}`);
    return found;
  });
}

/** A string that error texts and documentation do not show. */
export function secret(options: KeyOptions<string>): ConfigKey<string> {
  return { ...key("secret string", options, readText), isSecret: true };
}

/** A path below the working folder: the reference services refuse absolute ones. */
export function relativePath(options: KeyOptions<string>): ConfigKey<string> {
  return key("relative path", options, (value) => {
    const path = readText(value);
    if (path === "" || path.startsWith("/")) throw new KeyProblem("be a relative path");
    return path;
  });
}

/** A key of other programs that is accepted, of whatever type, and has no effect. */
export function ignored(options: { readonly doc: string }): ConfigKey<null> {
  return key("any", { doc: options.doc, default: null }, () => null);
}

function readHex(value: TomlValue, size: number | undefined): Bytes {
  const bytes = parseHex(readText(value));
  if (bytes === null) throw new KeyProblem("be hex digits, with or without 0x");
  if (size !== undefined && bytes.length !== size) {
    throw new KeyProblem(`be ${size} bytes of hex digits, with or without 0x`);
  }
  return bytes;
}

/** Bytes as hex text, with or without `0x`; of a fixed size in bytes when one is given. */
export function hexBytes(
  options: KeyOptions<Bytes> & { readonly size?: number },
): ConfigKey<Bytes> {
  return key("hex", options, (value) => readHex(value, options.size));
}

function listOf<Item>(
  typeName: string,
  options: KeyOptions<readonly Item[]>,
  readItem: (value: TomlValue) => Item,
): ConfigKey<readonly Item[]> {
  return key(typeName, options, (value) => {
    if (!Array.isArray(value)) throw new KeyProblem("be an array");
    return value.map((item) => readItem(item));
  });
}

/** An array of byte strings as hex text. */
export function hexBytesList(
  options: KeyOptions<readonly Bytes[]> & { readonly size?: number },
): ConfigKey<readonly Bytes[]> {
  return listOf("array of hex", options, (value) => readHex(value, options.size));
}

/** An array of strings. */
export function textList(options: KeyOptions<readonly string[]>): ConfigKey<readonly string[]> {
  return listOf("array of strings", options, readText);
}

/** A key that may be absent: null then. */
export function optional<Value>(inner: ConfigKey<Value>): ConfigKey<Value | null> {
  const { typeName, doc, read } = inner;
  return { typeName: `${typeName}, optional`, doc, default: null, read };
}

/** The keys of a table by name. */
export type ConfigKeys = Readonly<Record<string, ConfigKey<unknown>>>;

/** The values that a set of keys gives. */
export type ValuesOf<Keys extends ConfigKeys> = {
  readonly [Name in keyof Keys]: Keys[Name] extends ConfigKey<infer Value> ? Value : never;
};

/** A key that is a table with keys of its own, each of which has a default. */
export interface SubTableKey<Keys extends ConfigKeys = ConfigKeys>
  extends ConfigKey<ValuesOf<Keys>> {
  readonly keys: Keys;
}

/** Whether a key is a table inside of its table. */
export function isSubTable(declaration: ConfigKey<unknown>): declaration is SubTableKey {
  return "keys" in declaration;
}

/** An array of tables, `[[table.key]]`, each with the same keys; empty when absent. */
export function tableList<Keys extends ConfigKeys>(
  options: { readonly keys: Keys; readonly doc: string },
): ConfigKey<readonly ValuesOf<Keys>[]> {
  return listOf("array of tables", { doc: options.doc, default: [] }, (value) => {
    if (!isTable(value)) throw new KeyProblem("be tables only");
    return readKeys(options.keys, value);
  });
}

/** A table inside of a table, `[table.key]`; absent it has the defaults of its keys. */
export function subTable<Keys extends ConfigKeys>(
  options: { readonly keys: Keys; readonly doc: string },
): SubTableKey<Keys> {
  const read = (value: TomlValue) => {
    if (!isTable(value)) throw new KeyProblem("be a table");
    return readKeys(options.keys, value);
  };
  return { ...key("table", { doc: options.doc, default: read({}) }, read), keys: options.keys };
}

/** Whether a TOML value is a table. */
export function isTable(value: TomlValue): value is Readonly<Record<string, TomlValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** A {@linkcode KeyProblem} with the key and the value that caused it. */
export class KeyError extends Error {
  override name = "KeyError";

  constructor(readonly keyName: string, readonly value: TomlValue, readonly wanted: string) {
    super(`${keyName} must ${wanted}`);
  }
}

/** Reads every declared key of a table; throws a {@linkcode KeyError} for the first wrong one. */
export function readKeys<Keys extends ConfigKeys>(
  keys: Keys,
  table: Readonly<Record<string, TomlValue>>,
): ValuesOf<Keys> {
  const values: Record<string, unknown> = {};
  for (const [name, declaration] of Object.entries(keys)) {
    values[name] = readKey(name, declaration, table[name]);
  }
  return Object.freeze(values) as ValuesOf<Keys>;
}

function readKey(name: string, declaration: ConfigKey<unknown>, value: TomlValue): unknown {
  if (value === undefined) {
    if (declaration.default === undefined) throw new KeyError(name, value, "be there");
    return declaration.default;
  }
  try {
    return declaration.read(value);
  } catch (problem) {
    if (problem instanceof KeyProblem) {
      const shown = declaration.isSecret === true ? "a value that is not shown" : value;
      throw new KeyError(name, shown, problem.message);
    }
    if (problem instanceof KeyError) {
      throw new KeyError(`${name}.${problem.keyName}`, problem.value, problem.wanted);
    }
    throw problem;
  }
}
