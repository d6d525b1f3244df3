import type { Block } from "../../../../proto/gen/blockchain.ts";
import { ADDRESS_SIZE, HASH_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../../../shared/bytes/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";
import { checkSize, FieldError } from "../../fields.ts";
import { type EvmTransaction, readTransaction } from "../transaction/transaction.ts";
import type { OpenHeader } from "./header.ts";

/** A block as it is to be executed. */
export interface OpenBlock {
  readonly header: OpenHeader;
  /** Its normal transactions in order; changes of the system configuration are left out. */
  readonly transactions: readonly EvmTransaction[];
  /** Hashes of what was left out. */
  readonly utxoHashes: readonly Bytes[];
}

/** A block, or the status that answers what is none. */
export type ReadBlock = OpenBlock | { readonly refusal: StatusCode };

/**
 * Reads the block of a request (spec/executor_evm.md, 4.1).
 *
 * @throws {FieldError} for a field that cannot be used
 */
export function readBlock({ version, header, body }: Block): ReadBlock {
  if (header === undefined) return { refusal: StatusCode.NoneBlockHeader };
  const { prevhash, timestamp, height, transactionsRoot } = header;
  checkSize("header.prevhash", prevhash, HASH_SIZE);
  checkSize("header.transactions_root", transactionsRoot, HASH_SIZE);
  const proposer = readProposer(header.proposer, height);
  const transactions: EvmTransaction[] = [];
  const utxoHashes: Bytes[] = [];
  for (const { tx } of body?.body ?? []) {
    if (tx === undefined) return { refusal: StatusCode.NoneBlockBody };
    if (tx.$case === "normalTx") transactions.push(readTransaction(tx.value));
    else utxoHashes.push(tx.value.transactionHash);
  }
  const open = { prevhash, timestamp, height, transactionsRoot, proposer, version };
  return { header: open, transactions, utxoHashes };
}

/** A chain sends 32 bytes at height 0, of which the first 20 are kept. */
function readProposer(proposer: Bytes, height: bigint): Bytes {
  if (height !== 0n) checkSize("header.proposer", proposer, ADDRESS_SIZE);
  if (proposer.length < ADDRESS_SIZE) {
    throw new FieldError("header.proposer", `have at least ${ADDRESS_SIZE} bytes`, proposer.length);
  }
  return proposer.subarray(0, ADDRESS_SIZE);
}

/** Whether two headers are of the same block, as far as a re-sent one is compared (4.2). */
export function isSameBlock(a: OpenHeader, b: OpenHeader): boolean {
  return equalBytes(a.prevhash, b.prevhash) && a.timestamp === b.timestamp &&
    a.height === b.height && equalBytes(a.transactionsRoot, b.transactionsRoot) &&
    equalBytes(a.proposer, b.proposer) && a.version === b.version;
}
