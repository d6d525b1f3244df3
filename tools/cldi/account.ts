import { type Bytes, equalBytes, parseHex, to0xHex } from "../../shared/bytes/mod.ts";
import { ConfigError, parseDocument } from "../../shared/config/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import { CldiError } from "./errors.ts";
import { tomlString } from "./toml_text.ts";

/** How users and files name a suite. */
export type CryptoType = "SM" | "ETH";

/** Gives the algorithms of a crypto type. */
export type Suites = (cryptoType: CryptoType) => Promise<CryptoSuite>;

/** A key pair; the secret key is encrypted while the account is locked (spec/cldi.md, 2.2). */
export interface Account {
  readonly cryptoType: CryptoType;
  readonly address: Bytes;
  readonly publicKey: Bytes;
  readonly secret:
    | { readonly kind: "unlocked"; readonly secretKey: Bytes }
    | { readonly kind: "locked"; readonly encryptedKey: Bytes };
}

/** An account that can sign. */
export type UnlockedAccount = Account & {
  readonly secret: { readonly kind: "unlocked"; readonly secretKey: Bytes };
};

/** Whether an account can sign. */
export function isUnlocked(account: Account): account is UnlockedAccount {
  return account.secret.kind === "unlocked";
}

/** The account of a usable secret key. */
export function accountOf(
  cryptoType: CryptoType,
  suite: CryptoSuite,
  secretKey: Bytes,
): UnlockedAccount {
  const publicKey = suite.publicKeyOf(secretKey);
  const address = suite.addressOf(publicKey);
  return { cryptoType, address, publicKey, secret: { kind: "unlocked", secretKey } };
}

/** Key and first counter or feedback block, both from the hash of the password. */
function cipherKey(suite: CryptoSuite, password: string): { key: Bytes; iv: Bytes } {
  const hash = suite.hash(new TextEncoder().encode(password));
  return { key: hash.subarray(0, 16), iv: hash.subarray(16) };
}

/** Encrypts the secret key; a locked account stays as it is, whatever the password. */
export function lock(account: Account, suite: CryptoSuite, password: string): Account {
  if (!isUnlocked(account)) return account;
  const { key, iv } = cipherKey(suite, password);
  const encryptedKey = suite.keyCipher.encrypt(key, iv, account.secret.secretKey);
  return { ...account, secret: { kind: "locked", encryptedKey } };
}

/** Decrypts the secret key; a wrong password shows in a public key that does not fit. */
export function unlock(account: Account, suite: CryptoSuite, password: string): UnlockedAccount {
  if (isUnlocked(account)) return account;
  const { secret } = account;
  if (secret.kind !== "locked") throw new CldiError("invalid password");
  const { key, iv } = cipherKey(suite, password);
  const secretKey = suite.keyCipher.decrypt(key, iv, secret.encryptedKey);
  const mismatch = (what: string) =>
    new CldiError(
      `The ${what} computed from the unlocked account mismatch with the recorded one`,
    );
  if (!suite.isSecretKey(secretKey)) throw mismatch("public key");
  const unlocked = accountOf(account.cryptoType, suite, secretKey);
  if (!equalBytes(unlocked.publicKey, account.publicKey)) throw mismatch("public key");
  if (!equalBytes(unlocked.address, account.address)) throw mismatch("address");
  return unlocked;
}

/** The fields of an account in the order of its file. */
export function accountFields({ cryptoType, address, publicKey, secret }: Account) {
  const common = {
    crypto_type: cryptoType,
    address: to0xHex(address),
    public_key: to0xHex(publicKey),
  };
  return secret.kind === "unlocked"
    ? { ...common, secret_key: to0xHex(secret.secretKey) }
    : { ...common, encrypted_sk: to0xHex(secret.encryptedKey) };
}

/** The text of an account file. */
export function writeAccount(account: Account): string {
  return Object.entries(accountFields(account))
    .map(([name, value]) => `${name} = ${tomlString(value)}\n`).join("");
}

const SECRET_KEY_SIZE = 32;
const UNREADABLE = "data did not match any variant of untagged enum MaybeLocked";

/** Reads an account file and checks that keys and address belong together. */
export async function readAccount(source: string, suites: Suites): Promise<Account> {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = parseDocument(source, "account").tables;
  } catch (error) {
    if (error instanceof ConfigError) throw new CldiError(UNREADABLE);
    throw error;
  }
  const cryptoType = fields["crypto_type"];
  const bytesOf = (name: string) => {
    const value = fields[name];
    return typeof value === "string" ? parseHex(value) : null;
  };
  const [address, publicKey] = [bytesOf("address"), bytesOf("public_key")];
  const [secretKey, encryptedKey] = [bytesOf("secret_key"), bytesOf("encrypted_sk")];
  const isKnown = cryptoType === "SM" || cryptoType === "ETH";
  if (!isKnown || address === null || publicKey === null) throw new CldiError(UNREADABLE);
  const suite = await suites(cryptoType);
  const isDerived = equalBytes(suite.addressOf(publicKey), address);
  if (!isDerived) throw new CldiError(UNREADABLE);
  if (secretKey !== null && suite.isSecretKey(secretKey)) {
    const account = accountOf(cryptoType, suite, secretKey);
    if (equalBytes(account.publicKey, publicKey)) return account;
  }
  if (encryptedKey === null || encryptedKey.length !== SECRET_KEY_SIZE) {
    throw new CldiError(UNREADABLE);
  }
  return { cryptoType, address, publicKey, secret: { kind: "locked", encryptedKey } };
}
