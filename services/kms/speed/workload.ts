import { type RawTransaction, RawTransactions } from "../../../proto/gen/blockchain.ts";
import { hashTransaction } from "../../../shared/block/mod.ts";
import { type Bytes, u64be } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import type { CryptoSuite } from "../../../shared/crypto/mod.ts";

/** An account that sends transactions. */
export interface Sender {
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
}

/** Accounts with new keys. */
export function newSenders(suite: CryptoSuite, count: number): Sender[] {
  return Array.from({ length: count }, () => {
    const secretKey = suite.generateSecretKey();
    return { secretKey, publicKey: suite.publicKeyOf(secretKey) };
  });
}

/** An encoded `RawTransactions` with `count` different transactions; the senders take turns. */
export function signedBatch(
  suite: CryptoSuite,
  senders: readonly Sender[],
  count: number,
): Bytes {
  const body = Array.from({ length: count }, (_, serial) => {
    const sender = senders[serial % senders.length];
    if (sender === undefined) throw new RangeError("Cannot sign: there must be a sender, got none");
    return signedTransaction(suite, sender, serial);
  });
  return encode(RawTransactions, { body });
}

/** A call of a contract: 8 bytes of data, about 230 bytes in all with the signature of eth. */
function signedTransaction(suite: CryptoSuite, sender: Sender, serial: number): RawTransaction {
  const transaction = {
    version: 0,
    to: new Uint8Array(20),
    nonce: String(serial),
    quota: 200_000n,
    validUntilBlock: 100n,
    data: u64be(BigInt(serial)),
    value: new Uint8Array(32),
    chainId: new Uint8Array(32),
  };
  const transactionHash = hashTransaction(suite.hash, transaction);
  const signature = suite.sign(sender.secretKey, transactionHash, sender.publicKey);
  const witness = { signature, sender: suite.addressOf(sender.publicKey) };
  return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
}
