import type { Block, BlockHeader, RawTransaction } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash, transactionsRoot } from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, equalBytes, joinBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import type { Tip } from "./chain_state.ts";

/** The body of a block and what follows from it alone: it can be made before the parent is there. */
export interface BlockBody {
  readonly transactions: readonly RawTransaction[];
  /** The header's `transactions_root`. */
  readonly root: Bytes;
  /** An encoded `RawTransactions`. */
  readonly encoded: Bytes;
}

/** A transaction with its part of an encoded `RawTransactions`. */
export interface EncodedTransaction {
  readonly raw: RawTransaction;
  readonly hash: Bytes;
  readonly encoded: Bytes;
}

/** The body that holds these transactions. */
export function makeBody(
  hash: HashFunction,
  transactions: readonly EncodedTransaction[],
): BlockBody {
  return {
    transactions: transactions.map(({ raw }) => raw),
    root: transactionsRoot(hash, transactions.map((transaction) => transaction.hash)),
    encoded: joinBytes(transactions.map(({ encoded }) => encoded)),
  };
}

/** What a new block is made of. */
export interface NewBlock {
  readonly tip: Tip;
  readonly proposer: Bytes;
  /** What the clock says. */
  readonly nowMs: bigint;
  readonly body: BlockBody;
}

/**
 * The next block, without a proof (spec/controller.md, 10.1, step 4). Its time is never before that
 * of its parent, whose proposer may have another clock: nodes of 6.7 refuse such a block.
 */
export function assembleBlock({ tip, proposer, nowMs, body }: NewBlock): Block {
  const header: BlockHeader = {
    prevhash: tip.hash,
    timestamp: nowMs > tip.timestampMs ? nowMs : tip.timestampMs,
    height: tip.height + 1n,
    transactionsRoot: body.root,
    proposer,
  };
  return { version: 0, header, body: { body: [...body.transactions] }, proof: EMPTY_BYTES };
}

/** Whether the header commits to the body; the reference never looks. */
export function hasTrueRoot(hash: HashFunction, { header, body }: Block): boolean {
  if (header === undefined || body === undefined) return false;
  const hashes = body.body.map((raw) => rawTransactionHash(raw) ?? EMPTY_BYTES);
  return equalBytes(header.transactionsRoot, transactionsRoot(hash, hashes));
}
