import { RawTransaction, type UtxoTransaction } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { type Bytes, equalBytes, readU64be, to0xHex } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import { NO_PRE_HASH } from "../system_config/mod.ts";
import { ChainDataError, MEND_STORAGE } from "./chain_data.ts";

/** Where changes of the system configuration are looked up. */
export interface ChangeSource {
  /** A record of the storage; null when there is none. */
  readonly load: (region: number, key: Bytes) => Promise<Bytes | null>;
  /** A change that is not stored yet; null when it is not known. */
  readonly pending: (txHash: Bytes) => UtxoTransaction | null;
}

/** A change of one item that is in force. */
export interface Change {
  readonly txHash: Bytes;
  readonly output: Bytes;
}

/**
 * The changes of an item, looked for from a newer one backwards: a step per change, each made by the
 * admin of the chain. The height is that of the block that holds it; null when no stored one does.
 *
 * @throws {ChainDataError} when a change is not there
 */
export async function* changesBack(
  source: ChangeSource,
  newest: Bytes,
): AsyncGenerator<Change & { readonly minedAt: bigint | null }> {
  let txHash = newest;
  while (!equalBytes(txHash, NO_PRE_HASH)) {
    const { output, preTxHash } = await loadChange(source, txHash);
    const mined = await source.load(Regions.TRANSACTION_HASH2BLOCK_HEIGHT, txHash);
    const minedAt = mined !== null && mined.length >= 8 ? readU64be(mined) : null;
    yield { txHash, output, minedAt };
    txHash = preTxHash;
  }
}

/**
 * The newest change of an item that was mined at or below a height, looked for as by
 * {@linkcode changesBack}; null when that is what the chain began with.
 */
export async function changeInForce(
  source: ChangeSource,
  newest: Bytes,
  height: bigint,
): Promise<Change | null> {
  for await (const { txHash, output, minedAt } of changesBack(source, newest)) {
    if (minedAt !== null && minedAt <= height) return { txHash, output };
  }
  return null;
}

async function loadChange(source: ChangeSource, txHash: Bytes): Promise<UtxoTransaction> {
  const bytes = await source.load(Regions.TRANSACTIONS, txHash);
  const raw = bytes === null ? null : tryDecode(RawTransaction, bytes);
  const stored = raw?.tx?.$case === "utxoTx" ? raw.tx.value.transaction ?? null : null;
  const change = stored ?? source.pending(txHash);
  if (change !== null) return change;
  throw new ChainDataError(
    `Cannot load the system configuration: transaction ${to0xHex(txHash)} is missing or no utxo`,
    MEND_STORAGE,
  );
}
