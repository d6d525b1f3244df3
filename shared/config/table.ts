import { type ConfigDocument, ConfigError } from "./document.ts";
import {
  type ConfigKeys,
  isSubTable,
  isTable,
  KeyError,
  readKeys,
  type TomlValue,
  type ValuesOf,
} from "./keys.ts";

/** A declared table of `config.toml`. */
export interface ConfigTable<Keys extends ConfigKeys = ConfigKeys> {
  /** Its name between the brackets. */
  readonly name: string;
  readonly keys: Keys;
}

/** The frozen values of a table. */
export type ConfigOf<Table> = Table extends ConfigTable<infer Keys> ? ValuesOf<Keys> : never;

/** Declares a table once: types, defaults, checks and documentation follow from it. */
export function defineTable<Keys extends ConfigKeys>(name: string, keys: Keys): ConfigTable<Keys> {
  return { name, keys };
}

/**
 * Reads a table of a document.
 *
 * @throws {ConfigError} when the table is missing or a value is wrong; the text names file, table,
 * key, value and what is wanted
 */
export function readTable<Keys extends ConfigKeys>(
  table: ConfigTable<Keys>,
  document: ConfigDocument,
): ValuesOf<Keys> {
  const found = document.tables[table.name];
  const place = `"${document.fileName}"`;
  if (!isTable(found)) {
    throw new ConfigError(`Cannot use ${place}: it must have a table [${table.name}]`);
  }
  try {
    return readKeys(table.keys, found);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const got = error.value === undefined ? "nothing" : showValue(error.value);
    throw new ConfigError(
      `Cannot use ${table.name}.${error.keyName} of ${place}: it must ${error.wanted}, got ${got}`,
      { cause: error },
    );
  }
}

/** Names of keys in the document's table that the declaration does not know. */
export function unknownKeys(table: ConfigTable, document: ConfigDocument): string[] {
  return unknownIn(table.keys, document.tables[table.name]);
}

function unknownIn(keys: ConfigKeys, found: TomlValue): string[] {
  if (!isTable(found)) return [];
  return Object.entries(found).flatMap(([name, value]) => {
    const declaration = keys[name];
    if (declaration === undefined) return [name];
    if (!isSubTable(declaration)) return [];
    return unknownIn(declaration.keys, value).map((inner) => `${name}.${inner}`);
  });
}

/** The table as Markdown rows for a README; a test keeps the README equal to it. */
export function describeTable(table: ConfigTable): string {
  return ["| key | type | default | meaning |", "|---|---|---|---|", ...rowsOf(table.keys)]
    .join("\n");
}

function rowsOf(keys: ConfigKeys, prefix = ""): string[] {
  return Object.entries(keys).flatMap(([name, declaration]) => {
    if (isSubTable(declaration)) return rowsOf(declaration.keys, `${prefix}${name}.`);
    const { typeName, default: value, doc } = declaration;
    const shown = value === undefined ? "required" : value === null ? "none" : showValue(value);
    return [`| \`${prefix}${name}\` | ${typeName} | ${shown} | ${doc} |`];
  });
}

const SHOWN_VALUE_SIZE_MAX = 80;

function showValue(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const shown =
    JSON.stringify(value, (_, part) => typeof part === "bigint" ? Number(part) : part) ??
      String(value);
  return shown.length > SHOWN_VALUE_SIZE_MAX ? `${shown.slice(0, SHOWN_VALUE_SIZE_MAX)}...` : shown;
}
