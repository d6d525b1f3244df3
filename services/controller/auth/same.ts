import type {
  RawTransaction,
  Transaction,
  UtxoTransaction,
  Witness,
} from "../../../proto/gen/blockchain.ts";
import { equalBytes } from "../../../shared/bytes/mod.ts";

/**
 * Whether two transactions are equal in every field: the one is then as well signed as the other.
 * Compares fields because that is far cheaper than hashing.
 */
export function sameTransaction(
  { tx: left }: RawTransaction,
  { tx: right }: RawTransaction,
): boolean {
  if (left === undefined || right === undefined) return false;
  if (!equalBytes(left.value.transactionHash, right.value.transactionHash)) return false;
  if (left.$case === "normalTx" && right.$case === "normalTx") {
    return sameNormal(left.value.transaction, right.value.transaction) &&
      sameWitness(left.value.witness, right.value.witness);
  }
  if (left.$case === "utxoTx" && right.$case === "utxoTx") {
    const { witnesses } = right.value;
    return sameUtxo(left.value.transaction, right.value.transaction) &&
      left.value.witnesses.length === witnesses.length &&
      left.value.witnesses.every((witness, i) => sameWitness(witness, witnesses[i]));
  }
  return false;
}

function sameNormal(left: Transaction | undefined, right: Transaction | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left.version === right.version && left.nonce === right.nonce &&
    left.quota === right.quota && left.validUntilBlock === right.validUntilBlock &&
    equalBytes(left.to, right.to) && equalBytes(left.data, right.data) &&
    equalBytes(left.value, right.value) && equalBytes(left.chainId, right.chainId);
}

function sameUtxo(left: UtxoTransaction | undefined, right: UtxoTransaction | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left.version === right.version && left.lockId === right.lockId &&
    equalBytes(left.preTxHash, right.preTxHash) && equalBytes(left.output, right.output);
}

function sameWitness(left: Witness | undefined, right: Witness | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return equalBytes(left.sender, right.sender) && equalBytes(left.signature, right.signature);
}
