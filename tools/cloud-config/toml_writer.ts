/** A scalar of a written document; unsigned numbers above 2^63-1 do not fit TOML. */
export type TomlScalar = string | number | bigint | boolean;

/** What a key of a written table holds. */
export type TomlItem = TomlScalar | readonly string[] | readonly TomlTable[] | TomlTable;

/** A table to write; the order of its keys does not matter. */
export interface TomlTable {
  readonly [key: string]: TomlItem;
}

const INTEGER_MAX = 2n ** 63n - 1n;

function isTable(item: TomlItem): item is TomlTable {
  return typeof item === "object" && !Array.isArray(item);
}

function isTableArray(item: TomlItem): item is readonly TomlTable[] {
  return Array.isArray(item) && item.length > 0 && typeof item[0] === "object";
}

/** Characters that a literal string cannot hold: controls other than tab and newline. */
function isForcingEscapes(char: string): boolean {
  const code = char.charCodeAt(0);
  return char !== "\t" && char !== "\n" && (code <= 0x1f || code === 0x7f);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

function escapeChar(char: string): string {
  const short = ESCAPES[char];
  if (short !== undefined) return short;
  if (!isForcingEscapes(char)) return char;
  return `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A string in the quotes that the reference tool chooses (spec/cloud_config.md, section 3). */
export function formatString(text: string): string {
  const isMultiLine = text.includes("\n");
  const chars = [...text];
  if (chars.some(isForcingEscapes) || text.includes("'''") || text.endsWith("'")) {
    if (!isMultiLine) return `"${chars.map(escapeChar).join("")}"`;
    const body = chars.map((char) => char === "\n" ? char : escapeChar(char)).join("");
    return `"""\n${body}"""`;
  }
  if (isMultiLine) return `'''\n${text}'''`;
  return text.includes("'") ? `'''${text}'''` : `'${text}'`;
}

function formatStringArray(items: readonly string[]): string {
  const [first] = items;
  if (first === undefined) return "[]";
  if (items.length === 1) return `[${formatString(first)}]`;
  return `[\n${items.map((item) => `    ${formatString(item)},\n`).join("")}]`;
}

function formatValue(key: string, item: TomlScalar | readonly string[]): string {
  if (typeof item === "string") return formatString(item);
  if (typeof item === "boolean") return String(item);
  if (typeof item === "object") return formatStringArray(item);
  if (BigInt(item) > INTEGER_MAX) {
    throw new RangeError(`Cannot write ${key}: it must be at most ${INTEGER_MAX}, got ${item}`);
  }
  return String(item);
}

/** The lines of a table and of all tables below it, one string per block. */
function formatBlocks(table: TomlTable, path: string, header: string): string[] {
  const lines = header === "" ? [] : [`${header}\n`];
  const below: string[] = [];
  const tables: string[] = [];
  for (const key of Object.keys(table).sort()) {
    const item = table[key];
    if (item === undefined) continue;
    const itemPath = path === "" ? key : `${path}.${key}`;
    if (isTableArray(item)) {
      for (const each of item) below.push(...formatBlocks(each, itemPath, `[[${itemPath}]]`));
    } else if (isTable(item)) {
      tables.push(...formatBlocks(item, itemPath, `[${itemPath}]`));
    } else if (Array.isArray(item)) {
      lines.push(`${key} = ${formatStringArray(item)}\n`);
    } else {
      lines.push(`${key} = ${formatValue(key, item)}\n`);
    }
  }
  const own = lines.length === 0 ? [] : [lines.join("")];
  return [...own, ...below, ...tables];
}

/**
 * Writes a document as the reference tool does: keys in byte order, plain values before arrays of
 * tables before tables, an empty line between blocks and one at the end
 * (spec/cloud_config.md, section 3). Keys must be bare keys.
 */
export function formatToml(document: TomlTable): string {
  return `${formatBlocks(document, "", "").join("\n")}\n`;
}
