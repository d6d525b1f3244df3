import type {
  RawTransaction,
  UnverifiedTransaction,
  UnverifiedUtxoTransaction,
} from "../../../proto/gen/blockchain.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../../shared/block/mod.ts";
import { equalBytes, toHex } from "../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { followsLastChange, isLockId, type SystemConfig } from "../system_config/mod.ts";
import type { History } from "./history.ts";

/** What a transaction is judged by: the chain as it is at the committed height. */
export interface Rules {
  readonly config: SystemConfig;
  /** Committed height. */
  readonly height: bigint;
  readonly history: Pick<History, "has">;
}

/** Nonces are limited in bytes of UTF-8, not in characters. */
const NONCE_SIZE_MAX = 128;

/** Size of the `value` field: a big-endian u256. */
const VALUE_SIZE = 32;

const TEXT_ENCODER = new TextEncoder();

/**
 * Fields, brake and history of a transaction, without hash and signature (spec/controller.md, 8.2,
 * step 2). The order of the checks is visible to clients.
 */
export function checkFields(raw: RawTransaction, rules: Rules): StatusCode {
  switch (raw.tx?.$case) {
    case "normalTx":
      return checkNormal(raw.tx.value, rules);
    case "utxoTx":
      return checkUtxo(raw.tx.value, rules.config);
    default:
      return StatusCode.NoneRawTx;
  }
}

function checkNormal(
  { transaction, transactionHash }: UnverifiedTransaction,
  { config, height, history }: Rules,
): StatusCode {
  if (config.emergencyBrake) return StatusCode.EmergencyBrake;
  if (transaction === undefined) return StatusCode.NoneTransaction;
  const { version, to, nonce, validUntilBlock, value, chainId } = transaction;
  if (version !== config.version) return StatusCode.InvalidVersion;
  if (to.length !== 0 && to.length !== ADDRESS_SIZE) return StatusCode.InvalidTo;
  if (isLongNonce(nonce)) return StatusCode.InvalidNonce;
  // the sum wraps in the reference too
  const last = BigInt.asUintN(64, height + config.blockLimit);
  if (validUntilBlock <= height || validUntilBlock > last) {
    return StatusCode.InvalidValidUntilBlock;
  }
  if (value.length !== VALUE_SIZE) return StatusCode.InvalidValue;
  if (chainId.length !== HASH_SIZE || !equalBytes(chainId, config.chainId)) {
    return StatusCode.InvalidChainId;
  }
  if (history.has(toHex(transactionHash))) return StatusCode.HistoryDupTx;
  return StatusCode.Success;
}

function isLongNonce(nonce: string): boolean {
  // a UTF-16 unit takes one to three bytes of UTF-8: most nonces need no encoding
  if (nonce.length * 3 <= NONCE_SIZE_MAX) return false;
  return nonce.length > NONCE_SIZE_MAX || TEXT_ENCODER.encode(nonce).length > NONCE_SIZE_MAX;
}

function checkUtxo(
  { transaction, witnesses }: UnverifiedUtxoTransaction,
  config: SystemConfig,
): StatusCode {
  const [witness] = witnesses;
  if (witness === undefined || witnesses.length !== 1) return StatusCode.InvalidWitness;
  if (!equalBytes(witness.sender, config.admin)) return StatusCode.AdminCheckError;
  if (transaction === undefined) return StatusCode.NoneUtxo;
  if (transaction.version !== config.version) return StatusCode.InvalidVersion;
  if (!isLockId(transaction.lockId)) return StatusCode.InvalidLockId;
  if (!followsLastChange(config, transaction.lockId, transaction.preTxHash)) {
    return StatusCode.InvalidPreHash;
  }
  return StatusCode.Success;
}

/** Whether a transaction may use that much; changes of the system configuration use nothing (6.7). */
export function checkQuota({ tx }: RawTransaction, quotaLimit: bigint | null): StatusCode {
  const quota = tx?.$case === "normalTx" ? tx.value.transaction?.quota ?? 0n : 0n;
  return quotaLimit === null || quota <= quotaLimit
    ? StatusCode.Success
    : StatusCode.QuotaUsedExceed;
}

/**
 * As {@linkcode checkFields} with the checks that come before it when a transaction is sent alone
 * (8.1, rows 0 to 10).
 */
export function checkSingleFields(raw: RawTransaction, rules: Rules): StatusCode {
  if (raw.tx === undefined) return StatusCode.NoTransaction;
  if (raw.tx.$case === "normalTx" && raw.tx.value.witness === undefined) {
    return StatusCode.NoneWitness;
  }
  return checkFields(raw, rules);
}
