import { parseHex, to0xHex } from "../../../shared/bytes/mod.ts";
import { Argument, Option, type Program } from "../../../shared/cli/mod.ts";
import {
  type Account,
  accountFields,
  accountOf,
  type CryptoType,
  isUnlocked,
  lock,
  unlock,
} from "../account.ts";
import { CldiError } from "../errors.ts";
import { formatJson } from "../json.ts";
import { cryptoOption, type InSession } from "../command.ts";
import type { Session } from "../session.ts";

const SECRET_KEY_SIZE = 32;

interface NewAccountOptions {
  readonly name?: string;
  readonly password?: string;
  readonly crypto?: CryptoType;
}

const NAME = () => new Argument("<name>", "the account name");

const passwordOption = (purpose: string) => new Option("-p, --password <password>", purpose);

function addNewAccountOptions(command: Program): Program {
  return command
    .addOption(new Option("--name <name>", "the account name; its address by default"))
    .addOption(passwordOption("the password to encrypt the account with"))
    .addOption(cryptoOption("the crypto type of the account; that of the target chain by default"));
}

/** Adds `account` and its commands (spec/cldi.md, section 11). */
export function addAccountCommands(program: Program, inSession: InSession): void {
  const account = program.command("account").description("Account commands");
  addNewAccountOptions(
    account.command("generate").aliases(["gen", "g"]).description("generate a new account"),
  ).action(inSession(generate));
  account.command("list").aliases(["ls", "l"]).description("list accounts")
    .action(inSession((session) => {
      session.printJson(
        session.folder.accounts().map(([name, listed]) => ({
          address: to0xHex(listed.address),
          crypto_type: listed.cryptoType,
          is_locked: !isUnlocked(listed),
          name,
          pubkey: to0xHex(listed.publicKey),
        })),
      );
    }));
  addNewAccountOptions(
    account.command("import").description("import account")
      .addArgument(new Argument("<secret-key>", "the secret key, in hex")),
  ).action(inSession(importKey));
  account.command("export").description("export account").addArgument(NAME())
    .addOption(passwordOption("the password of a locked account"))
    .action(inSession(exportKey));
  account.command("unlock").description("unlock a account").addArgument(NAME())
    .addOption(passwordOption("the password of the account").makeOptionMandatory())
    .addOption(new Option("-f, --file", "accepted for the sake of scripts: the file is rewritten"))
    .action(inSession(async (session, name: string, { password }: { password: string }) => {
      const locked = session.folder.account(name);
      const unlocked = unlock(locked, await session.suites(locked.cryptoType), password);
      await session.folder.replaceAccount(name, unlocked);
    }));
  account.command("lock").description("lock a account").addArgument(NAME())
    .addOption(passwordOption("the password of the account").makeOptionMandatory())
    .action(inSession(async (session, name: string, { password }: { password: string }) => {
      const unlocked = session.folder.account(name);
      const locked = lock(unlocked, await session.suites(unlocked.cryptoType), password);
      await session.folder.replaceAccount(name, locked);
    }));
}

async function generate(session: Session, options: NewAccountOptions): Promise<void> {
  const cryptoType = options.crypto ?? session.context.crypto_type;
  const suite = await session.suites(cryptoType);
  const account = accountOf(cryptoType, suite, suite.generateSecretKey());
  const stored = await store(session, account, options);
  session.print(formatJson(accountFields(stored)));
}

async function importKey(
  session: Session,
  keyText: string,
  options: NewAccountOptions,
): Promise<void> {
  const cryptoType = options.crypto ?? session.context.crypto_type;
  const refuse = (reason: string) =>
    new CldiError(`invalid secret key for crypto type ${cryptoType}: ${reason}`);
  const secretKey = parseHex(keyText);
  if (secretKey === null) throw refuse("invalid hex input");
  if (secretKey.length !== SECRET_KEY_SIZE) {
    throw refuse(
      `length mismatched, expected: \`${SECRET_KEY_SIZE}\`, got: \`${secretKey.length}\``,
    );
  }
  const suite = await session.suites(cryptoType);
  if (!suite.isSecretKey(secretKey)) throw refuse("it is zero or not below the order of the curve");
  const account = accountOf(cryptoType, suite, secretKey);
  await store(session, account, options);
  session.printJson({ address: to0xHex(account.address), pubkey: to0xHex(account.publicKey) });
}

/** Stores a new account, encrypted when a password is given. */
async function store(
  session: Session,
  account: Account,
  { name = to0xHex(account.address), password }: NewAccountOptions,
): Promise<Account> {
  const suite = await session.suites(account.cryptoType);
  const stored = password === undefined ? account : lock(account, suite, password);
  await session.folder.addAccount(name, stored);
  return stored;
}

async function exportKey(
  session: Session,
  name: string,
  { password }: { password?: string },
): Promise<void> {
  const account = session.folder.account(name);
  if (!isUnlocked(account) && password === undefined) {
    throw new CldiError("account is locked, please unlock it first");
  }
  const suite = await session.suites(account.cryptoType);
  session.printJson(accountFields(unlock(account, suite, password ?? "")));
}
