import type { RawTransaction, Transaction, UtxoTransaction } from "../../proto/gen/blockchain.ts";
import type { SystemConfig } from "../../proto/gen/controller.ts";
import { HASH_SIZE, hashTransaction, hashUtxoTransaction } from "../../shared/block/mod.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { type Random, SYSTEM_RANDOM } from "../../shared/clock/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import type { UnlockedAccount } from "./account.ts";
import { CldiError, inContext } from "./errors.ts";
import type { Session } from "./session.ts";
import { type Position, resolvePosition } from "./values.ts";

/** Signs a transaction: the hash itself is the signed message, also on eth chains. */
export function signTransaction(
  suite: CryptoSuite,
  { address: sender, secret, publicKey }: UnlockedAccount,
  transaction: Transaction,
): RawTransaction {
  const transactionHash = hashTransaction(suite.hash, transaction);
  const signature = suite.sign(secret.secretKey, transactionHash, publicKey);
  const witness = { signature, sender };
  return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
}

/** As {@linkcode signTransaction}, for a change of the system configuration. */
export function signUtxoTransaction(
  suite: CryptoSuite,
  { address: sender, secret, publicKey }: UnlockedAccount,
  transaction: UtxoTransaction,
): RawTransaction {
  const transactionHash = hashUtxoTransaction(suite.hash, transaction);
  const signature = suite.sign(secret.secretKey, transactionHash, publicKey);
  const witnesses = [{ signature, sender }];
  return { tx: { $case: "utxoTx", value: { transaction, transactionHash, witnesses } } };
}

/** A random unsigned 64-bit number as decimal text. */
function randomNonce(random: Random): string {
  const word = () => BigInt(Math.floor(random() * 2 ** 32));
  return String((word() << 32n) | word());
}

/** What the user decides of a transaction. */
export interface TransactionRequest {
  readonly to: Bytes;
  readonly data: Bytes;
  readonly value: Bytes;
  readonly quota: bigint;
  readonly until: Position;
}

/** Signs and sends a transaction, and prints its hash (spec/cldi.md, section 7). */
export async function sendTransaction(
  session: Session,
  { until, ...request }: TransactionRequest,
): Promise<void> {
  const { controller } = session;
  const validUntilBlock = await resolvePosition(
    until,
    async () => (await controller.getBlockNumber({ flag: false })).blockNumber,
  );
  const account = session.currentAccount();
  const { version, chainId } = await fetchSystemConfig(session);
  const nonce = randomNonce(SYSTEM_RANDOM);
  const transaction = { ...request, version, chainId, nonce, validUntilBlock };
  await sendRaw(session, signTransaction(await session.suite(), account, transaction));
}

/** One item of the system configuration that the administrator may change. */
export interface ConfigChange {
  readonly lockId: bigint;
  readonly output: Bytes;
  /** The hash of the last change of the item. */
  readonly preTxHash: (config: SystemConfig) => Bytes;
}

/** Signs and sends a change of the system configuration, and prints its hash (section 8). */
export async function sendConfigChange(session: Session, change: ConfigChange): Promise<void> {
  const account = session.currentAccount();
  const config = await fetchSystemConfig(session);
  const transaction = {
    version: config.version,
    preTxHash: change.preTxHash(config),
    output: change.output,
    lockId: change.lockId,
  };
  await sendRaw(session, signUtxoTransaction(await session.suite(), account, transaction));
}

function fetchSystemConfig({ controller }: Session): Promise<SystemConfig> {
  return inContext("failed to get system config", () => controller.getSystemConfig({}));
}

async function sendRaw(session: Session, raw: RawTransaction): Promise<void> {
  const { hash } = await inContext("failed to send raw", async () => {
    const answer = await session.controller.sendRawTransaction(raw);
    if (answer.hash.length === HASH_SIZE) return answer;
    throw new CldiError(
      "controller returns an invalid transaction hash, maybe we are using a wrong signing algorithm?",
    );
  });
  session.printHex(hash);
}
