import { parse, TomlError } from "smol-toml";

/** A configuration that cannot be used; the text tells the operator what to change. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** A parsed `config.toml`, shared by all services of a node. */
export interface ConfigDocument {
  /** As the operator named it. */
  readonly fileName: string;
  readonly tables: Readonly<Record<string, unknown>>;
}

/** Parses TOML text; throws a {@linkcode ConfigError} that names the line. */
export function parseDocument(source: string, fileName: string): ConfigDocument {
  try {
    return { fileName, tables: parse(source, { integersAsBigInt: "asNeeded" }) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [reason = "it is no TOML"] = cause.message.split("\n");
    // without its cause, which shows the lines around: they may hold a secret
    throw new ConfigError(
      `Cannot parse "${fileName}" at line ${cause.line}, column ${cause.column}: ${reason}`,
    );
  }
}

/** Reads and parses a file. */
export function loadDocument(path: string): ConfigDocument {
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot read "${path}": ${reason}`, { cause });
  }
  return parseDocument(decodeText(bytes, path), path);
}

function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError(`Cannot read "${path}": it must be UTF-8 text`, { cause });
  }
}
