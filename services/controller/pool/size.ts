import type { RawTransaction, Witness } from "../../../proto/gen/blockchain.ts";

/** Tags, lengths and the numbers of a transaction, rounded up. */
const FIXED_SIZE = 180;

/** An upper estimate of the encoded size of a transaction, without encoding it. */
export function estimateSize({ tx }: RawTransaction): number {
  if (tx === undefined) return FIXED_SIZE;
  if (tx.$case === "utxoTx") {
    const { transaction, transactionHash, witnesses } = tx.value;
    const fields = transaction === undefined
      ? 0
      : transaction.preTxHash.length + transaction.output.length;
    return FIXED_SIZE + transactionHash.length + fields + sizeOf(...witnesses);
  }
  const { transaction, transactionHash, witness } = tx.value;
  // a UTF-16 unit takes at most three bytes of UTF-8
  const fields = transaction === undefined
    ? 0
    : transaction.data.length + 3 * transaction.nonce.length + transaction.to.length +
      transaction.value.length + transaction.chainId.length;
  return FIXED_SIZE + transactionHash.length + fields +
    (witness === undefined ? 0 : sizeOf(witness));
}

/** Nobody has looked at them yet, so there may be any number of any size. */
function sizeOf(...witnesses: readonly Witness[]): number {
  const tagsAndLengths = 16;
  return witnesses.reduce(
    (sum, { sender, signature }) => sum + tagsAndLengths + sender.length + signature.length,
    0,
  );
}
