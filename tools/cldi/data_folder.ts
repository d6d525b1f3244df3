import type { Output } from "../../shared/cli/mod.ts";
import { createFile, replaceFile, SECRET_MODE } from "../../shared/files/mod.ts";
import {
  type Account,
  accountOf,
  type CryptoType,
  readAccount,
  type Suites,
  writeAccount,
} from "./account.ts";
import {
  type Context,
  type ContextFile,
  DEFAULT_CONTEXT,
  DEFAULT_CONTEXT_FILE,
  readContextFile,
  writeContextFile,
} from "./context.ts";
import { CldiError, renderError } from "./errors.ts";

const CONFIG_NAME = "config.toml";
const ACCOUNT_SUFFIX = ".toml";

/** Contexts and accounts of a user, `~/.cloud-cli` (spec/cldi.md, section 2). */
export class DataFolder {
  #contextFile: ContextFile;
  readonly #accounts: Map<string, Account>;

  private constructor(
    readonly path: string,
    contextFile: ContextFile,
    accounts: Map<string, Account>,
  ) {
    this.#contextFile = contextFile;
    this.#accounts = accounts;
  }

  /** Opens the folder, filling a fresh one with a default context and account. */
  static async open(path: string, suites: Suites, output: Output): Promise<DataFolder> {
    const isFresh = await makeFolder(path);
    const contextFile = await loadContextFile(path);
    await makeFolder(`${path}/accounts`);
    const accounts = await loadAccounts(`${path}/accounts`, suites, output);
    const folder = new DataFolder(path, contextFile, accounts);
    if (!contextFile.contexts.has(contextFile.defaultContext)) {
      output.out(
        `The configured default context setting \`${contextFile.defaultContext}\` is missing.\n` +
          "Using a local default context..\n",
      );
    }
    if (isFresh) {
      const { account_name: name, crypto_type: cryptoType } = DEFAULT_CONTEXT;
      const suite = await suites(cryptoType);
      await folder.addAccount(name, accountOf(cryptoType, suite, suite.generateSecretKey()));
    }
    return folder;
  }

  get contextFile(): ContextFile {
    return this.#contextFile;
  }

  /** Stores a context under a name, replacing one of that name. */
  async saveContext(name: string, context: Context): Promise<void> {
    const contexts = new Map(this.#contextFile.contexts).set(name, context);
    await this.#saveContextFile({ ...this.#contextFile, contexts });
  }

  /** Removes a context that exists. */
  async deleteContext(name: string): Promise<void> {
    const contexts = new Map(this.#contextFile.contexts);
    if (!contexts.delete(name)) throw new CldiError(`context \`${name}\` not found`);
    await this.#saveContextFile({ ...this.#contextFile, contexts });
  }

  /** Makes a context that exists the one to start with. */
  async setDefaultContext(name: string): Promise<void> {
    this.context(name);
    await this.#saveContextFile({ ...this.#contextFile, defaultContext: name });
  }

  /** The context to start with; a built-in one when the configured one is missing. */
  defaultContext(): Context {
    const { defaultContext, contexts } = this.#contextFile;
    return contexts.get(defaultContext) ?? DEFAULT_CONTEXT;
  }

  /** A saved context. */
  context(name: string): Context {
    const context = this.#contextFile.contexts.get(name);
    if (context === undefined) throw new CldiError(`context\`${name}\` not found`);
    return context;
  }

  async #saveContextFile(contextFile: ContextFile): Promise<void> {
    await replaceFile(`${this.path}/${CONFIG_NAME}`, writeContextFile(contextFile), SECRET_MODE);
    this.#contextFile = contextFile;
  }

  /** Names and accounts, sorted by name. */
  accounts(): [string, Account][] {
    return [...this.#accounts].sort(([left], [right]) => left < right ? -1 : 1);
  }

  /** An account by name, or undefined. */
  findAccount(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  /** An account that must exist. */
  account(name: string): Account {
    const account = this.#accounts.get(name);
    if (account === undefined) throw new CldiError(`account \`${name}\` not found`);
    return account;
  }

  /** Stores a new account; one of that name is an error. */
  async addAccount(name: string, account: Account): Promise<void> {
    checkAccountName(name);
    try {
      await createFile(this.#accountPath(name), writeAccount(account), SECRET_MODE);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      const reason = "File exists (os error 17)";
      throw new CldiError(`failed to persist temporary file: ${reason}`, [reason]);
    }
    this.#accounts.set(name, account);
  }

  /** Rewrites the file of an account that exists. */
  async replaceAccount(name: string, account: Account): Promise<void> {
    await replaceFile(this.#accountPath(name), writeAccount(account), SECRET_MODE);
    this.#accounts.set(name, account);
  }

  #accountPath(name: string): string {
    return `${this.path}/accounts/${name}${ACCOUNT_SUFFIX}`;
  }
}

/** A name becomes a file name, so it must not leave the folder. */
function checkAccountName(name: string): void {
  if (name === "" || name.includes("/") || name.includes("\0")) {
    throw new CldiError(
      `Cannot use the account name "${name}": it must be a file name without "/"`,
    );
  }
}

/** Makes a folder unless it is there; tells whether it was made. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await Deno.mkdir(path);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  if ((await Deno.stat(path)).isDirectory) return false;
  throw new CldiError(
    `Cannot use "${path}": it must be a folder, got a file (accounts of cloud-cli v0.2.0 are not ` +
      "migrated by this version)",
  );
}

async function loadContextFile(folder: string): Promise<ContextFile> {
  const path = `${folder}/${CONFIG_NAME}`;
  try {
    return readContextFile(await Deno.readTextFile(path), path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.writeTextFile(path, writeContextFile(DEFAULT_CONTEXT_FILE));
  return DEFAULT_CONTEXT_FILE;
}

/** Loads every account file; one that cannot be read is reported and left out. */
async function loadAccounts(
  folder: string,
  suites: Suites,
  output: Output,
): Promise<Map<string, Account>> {
  const accounts = new Map<string, Account>();
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !name.endsWith(ACCOUNT_SUFFIX)) continue;
    const accountName = name.slice(0, -ACCOUNT_SUFFIX.length);
    try {
      const source = await Deno.readTextFile(`${folder}/${name}`);
      accounts.set(accountName, await readAccount(source, suites));
    } catch (error) {
      const reason = renderError(error).slice("Error: ".length).trimEnd();
      output.err(`fail to load account \`${accountName}\`: ${reason}\n`);
    }
  }
  return accounts;
}

/** The suite name of a crypto type. */
export function suiteNameOf(cryptoType: CryptoType): "sm" | "eth" {
  return cryptoType === "SM" ? "sm" : "eth";
}
