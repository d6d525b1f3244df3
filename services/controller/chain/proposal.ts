import type { Block, BlockHeader, RawTransaction } from "../../../proto/gen/blockchain.ts";
import { rawTransactionHash, transactionsRoot } from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, equalBytes } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import type { Tip } from "./chain_state.ts";

/** What a new block is made of. */
export interface NewBlock {
  readonly tip: Tip;
  readonly proposer: Bytes;
  readonly timestampMs: bigint;
  readonly transactions: readonly RawTransaction[];
}

/** The next block, without a proof (spec/controller.md, 10.1, step 4). */
export function assembleBlock(hash: HashFunction, parts: NewBlock): Block {
  const { tip, proposer, timestampMs, transactions } = parts;
  const header: BlockHeader = {
    prevhash: tip.hash,
    timestamp: timestampMs,
    height: tip.height + 1n,
    transactionsRoot: rootOf(hash, transactions),
    proposer,
  };
  return { version: 0, header, body: { body: [...transactions] }, proof: EMPTY_BYTES };
}

function rootOf(hash: HashFunction, transactions: readonly RawTransaction[]): Bytes {
  const hashes = transactions.map((raw) => rawTransactionHash(raw) ?? EMPTY_BYTES);
  return transactionsRoot(hash, hashes);
}

/** Whether the header commits to the body; the reference never looks. */
export function hasTrueRoot(hash: HashFunction, block: Block): boolean {
  const { header, body } = block;
  return header !== undefined && body !== undefined &&
    equalBytes(header.transactionsRoot, rootOf(hash, body.body));
}
