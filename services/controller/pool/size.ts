import type { RawTransaction } from "../../../proto/gen/blockchain.ts";

/** Tags, lengths and the fields of fixed size of a transaction and one witness, rounded up. */
const FIXED_SIZE = 200;

/** An upper estimate of the encoded size of a transaction, without encoding it. */
export function estimateSize({ tx }: RawTransaction): number {
  if (tx === undefined) return FIXED_SIZE;
  if (tx.$case === "utxoTx") {
    const { transaction, transactionHash, witnesses } = tx.value;
    const fields = transaction === undefined
      ? 0
      : transaction.preTxHash.length + transaction.output.length;
    return FIXED_SIZE + transactionHash.length + fields + (witnesses[0]?.signature.length ?? 0);
  }
  const { transaction, transactionHash, witness } = tx.value;
  // a UTF-16 unit takes at most three bytes of UTF-8
  const fields = transaction === undefined
    ? 0
    : transaction.data.length + 3 * transaction.nonce.length + transaction.to.length +
      transaction.value.length + transaction.chainId.length;
  return FIXED_SIZE + transactionHash.length + fields + (witness?.signature.length ?? 0);
}
