import { ConfigError, parseDocument } from "../../shared/config/mod.ts";
import type { CryptoType } from "./account.ts";
import { CldiError } from "./errors.ts";
import { tomlKey, tomlString } from "./toml_text.ts";

/** Which chain to talk to, and as whom. */
export interface Context {
  readonly controller_addr: string;
  readonly executor_addr: string;
  readonly account_name: string;
  readonly crypto_type: CryptoType;
}

/** The context of a fresh data folder. */
export const DEFAULT_CONTEXT: Context = {
  controller_addr: "localhost:50004",
  executor_addr: "localhost:50002",
  account_name: "default",
  crypto_type: "SM",
};

/** What `config.toml` holds (spec/cldi.md, section 2.1). */
export interface ContextFile {
  readonly defaultContext: string;
  readonly contexts: ReadonlyMap<string, Context>;
}

/** The file of a fresh data folder. */
export const DEFAULT_CONTEXT_FILE: ContextFile = {
  defaultContext: "default",
  contexts: new Map([["default", DEFAULT_CONTEXT]]),
};

/** Contexts by name, in the order in which files and lists show them. */
export function sortedContexts({ contexts }: ContextFile): [string, Context][] {
  return [...contexts].sort(([left], [right]) => left < right ? -1 : 1);
}

/** The text of the file. */
export function writeContextFile(file: ContextFile): string {
  const tables = sortedContexts(file).map(([name, context]) =>
    `[context_settings.${tomlKey(name)}]\n` +
    `controller_addr = ${tomlString(context.controller_addr)}\n` +
    `executor_addr = ${tomlString(context.executor_addr)}\n` +
    `account_name = ${tomlString(context.account_name)}\n` +
    `crypto_type = ${tomlString(context.crypto_type)}\n`
  );
  return `default_context = ${tomlString(file.defaultContext)}\n${tables.join("\n")}`;
}

const KEYS = ["controller_addr", "executor_addr", "account_name", "crypto_type"] as const;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readContext(name: string, table: unknown): Context {
  const place = `context_settings.${name}`;
  if (!isRecord(table)) throw new CldiError(`invalid type for key \`${place}\`, expected a table`);
  const texts = KEYS.map((key) => {
    const value = table[key];
    if (value === undefined) throw new CldiError(`missing field \`${key}\` for key \`${place}\``);
    if (typeof value !== "string") {
      throw new CldiError(`invalid type for key \`${place}.${key}\`, expected a string`);
    }
    return value;
  });
  const [controllerAddr = "", executorAddr = "", accountName = "", cryptoType] = texts;
  if (cryptoType !== "SM" && cryptoType !== "ETH") {
    throw new CldiError(
      `unknown variant \`${cryptoType}\`, expected \`SM\` or \`ETH\` for key \`${place}.crypto_type\``,
    );
  }
  return {
    controller_addr: controllerAddr,
    executor_addr: executorAddr,
    account_name: accountName,
    crypto_type: cryptoType,
  };
}

/** Reads the text of the file; a wrong one is an error that names the key. */
export function readContextFile(source: string, fileName: string): ContextFile {
  let tables: Readonly<Record<string, unknown>>;
  try {
    tables = parseDocument(source, fileName).tables;
  } catch (error) {
    if (error instanceof ConfigError) throw new CldiError(error.message);
    throw error;
  }
  const { default_context: defaultContext, context_settings: settings } = tables;
  if (typeof defaultContext !== "string") throw new CldiError("missing field `default_context`");
  if (!isRecord(settings)) throw new CldiError("missing field `context_settings`");
  const contexts = Object.entries(settings).map(([name, table]) =>
    [name, readContext(name, table)] as const
  );
  return { defaultContext, contexts: new Map(contexts) };
}
