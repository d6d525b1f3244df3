import type { RawTransaction, Witness } from "../../proto/gen/blockchain.ts";
import {
  HASH_SIZE,
  hashTransaction,
  hashUtxoTransaction,
  rawTransactionHash,
} from "../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, equalBytes } from "../../shared/bytes/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";

/**
 * Checks hash and signature of one transaction; the first check that fails gives the code
 * (spec/storage_kms.md, B5). Nonce, quota, chain id and the like are the controller's business.
 */
export function checkTransaction(suite: CryptoSuite, raw: RawTransaction): StatusCode {
  if (raw.tx === undefined) return StatusCode.NoneRawTx;
  if (raw.tx.$case === "normalTx") {
    const { transaction, transactionHash, witness } = raw.tx.value;
    if (witness === undefined) return StatusCode.NoneWitness;
    if (transaction === undefined) return StatusCode.NoneTransaction;
    const computedHash = () => hashTransaction(suite.hash, transaction);
    return checkSigned(suite, { transactionHash, computedHash, witness });
  }
  const { transaction, transactionHash, witnesses } = raw.tx.value;
  const [witness, ...others] = witnesses;
  if (witness === undefined || others.length > 0) return StatusCode.InvalidWitness;
  if (transaction === undefined) return StatusCode.NoneUtxo;
  const computedHash = () => hashUtxoTransaction(suite.hash, transaction);
  return checkSigned(suite, { transactionHash, computedHash, witness });
}

interface SignedTransaction {
  /** The hash that the sender claims. */
  readonly transactionHash: Bytes;
  readonly computedHash: () => Bytes;
  readonly witness: Witness;
}

function checkSigned(suite: CryptoSuite, signed: SignedTransaction): StatusCode {
  const { transactionHash, computedHash, witness } = signed;
  if (transactionHash.length !== HASH_SIZE) return StatusCode.HashLenError;
  if (!equalBytes(computedHash(), transactionHash)) return StatusCode.HashCheckError;
  const recovery = suite.recover(transactionHash, witness.signature);
  if (recovery.kind === "refused") return recovery.code;
  return equalBytes(recovery.address, witness.sender)
    ? StatusCode.Success
    : StatusCode.SigCheckError;
}

/** The first of some transactions that is refused. */
export interface TransactionRefusal {
  /** Place among the transactions. */
  readonly position: number;
  readonly code: StatusCode;
  /** The hash that the transaction claims to have, of any length. */
  readonly transactionHash: Bytes;
}

/**
 * Checks transactions in their order.
 *
 * @returns the refusal with the lowest position, null when all pass or there is none
 */
export function checkTransactions(
  suite: CryptoSuite,
  transactions: readonly RawTransaction[],
): TransactionRefusal | null {
  for (const [position, raw] of transactions.entries()) {
    const code = checkTransaction(suite, raw);
    if (code === StatusCode.Success) continue;
    return { position, code, transactionHash: rawTransactionHash(raw) ?? EMPTY_BYTES };
  }
  return null;
}
