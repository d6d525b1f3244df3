import { parseHex, toHex } from "../../shared/bytes/mod.ts";
import { type CryptoSuite, loadSuite } from "../../shared/crypto/mod.ts";
import { type KmsAccount, openKmsDb } from "../../shared/kms_db/mod.ts";
import { type ChainConfig, isChosen } from "./chain_config.ts";
import { SECRET_MODE } from "../../shared/files/mod.ts";
import { type ChainFolder, replaceFile } from "./folder.ts";

/** An account whose key store is in the chain's folder. */
export interface Account {
  readonly keyId: bigint;
  /** 40 hex digits. */
  readonly address: string;
}

/** The line that the account commands print; other programs parse it. */
export function accountLine({ keyId, address }: Account): string {
  return `key_id:${keyId}, address:${address}\n`;
}

/** Makes a key pair in a key store of its own, with the chain's crypto. */
export async function newAccount(folder: ChainFolder, password: string): Promise<Account> {
  const isEth = isChosen(folder.readChain(), "kms_eth");
  const suite = await loadSuite(isEth ? "eth" : "sm");
  const part = `${folder.path}/accounts/kms.db`;
  const secretKey = suite.generateSecretKey();
  const stored = await insert(part, { suite, password, secretKey, description: "create by cmd" });
  const account = { keyId: stored.keyId, address: toHex(stored.address) };
  const path = folder.accountPath(account.address);
  Deno.mkdirSync(path, { recursive: true });
  Deno.renameSync(part, `${path}/kms.db`);
  writeKeyId(folder, account);
  return account;
}

/** Adds a given secret key to the key store of its account. */
export async function importAccount(
  folder: ChainFolder,
  { password, privkey }: { readonly password: string; readonly privkey: string },
): Promise<Account> {
  const suite = await suiteForImport(folder.readChain());
  const secretKey = parseHex(privkey);
  if (secretKey === null) {
    throw new Error("cannot import account: invalid `node_key`: --privkey must be hex digits");
  }
  if (!suite.isSecretKey(secretKey)) {
    throw new Error(
      `cannot import account: --privkey must be a secret key of 32 bytes of the chain's crypto, ` +
        `got ${secretKey.length} bytes`,
    );
  }
  const address = toHex(suite.addressOf(suite.publicKeyOf(secretKey)));
  const path = folder.accountPath(address);
  Deno.mkdirSync(path, { recursive: true });
  const entry = { suite, password, secretKey, description: "imported privkey" };
  const account = { keyId: (await insert(`${path}/kms.db`, entry)).keyId, address };
  writeKeyId(folder, account);
  return account;
}

function suiteForImport(chain: ChainConfig): Promise<CryptoSuite> {
  if (isChosen(chain, "kms_eth")) return loadSuite("eth");
  if (isChosen(chain, "kms_sm")) return loadSuite("sm");
  throw new Error("unknown kms type: micro_service_list must have the image kms_sm or kms_eth");
}

interface Entry {
  readonly suite: CryptoSuite;
  readonly password: string;
  readonly secretKey: Uint8Array;
  readonly description: string;
}

/** Stores a secret key, which is overwritten then. */
async function insert(
  path: string,
  { suite, password, secretKey, description }: Entry,
): Promise<KmsAccount> {
  const db = await openKmsDb({ path, password, suite });
  try {
    return db.insertAccount(secretKey, description);
  } finally {
    secretKey.fill(0);
    db.close();
  }
}

function writeKeyId(folder: ChainFolder, { keyId, address }: Account): void {
  replaceFile(`${folder.accountPath(address)}/key_id`, String(keyId), SECRET_MODE);
}
