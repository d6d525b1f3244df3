import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { EMPTY_BLOOM, mergeBlooms } from "../bloom.ts";
import { createAddress } from "../interpreter/machine.ts";
import { bytesOfWord } from "../word.ts";
import type { Work } from "../work.ts";
import { type Applied, applyTransaction, type BlockExecution } from "../transaction/apply.ts";
import type { Receipt } from "../transaction/receipt.ts";
import type { EvmTransaction } from "../transaction/transaction.ts";
import type { OpenBlock } from "./open_block.ts";
import { type Put, putReceipt } from "./records.ts";

/** What the transactions of a block brought about. */
export interface ExecutedBlock {
  readonly receipts: readonly Receipt[];
  readonly logBloom: Bytes;
  /** By all transactions together. */
  readonly quotaUsed: bigint;
  /** One record per transaction. */
  readonly receiptPuts: readonly Put[];
}

/** Executes the transactions of a block (spec/executor_evm.md, 4.4); the state is to be committed. */
export function* executeBlock(block: OpenBlock, env: BlockExecution): Work<ExecutedBlock> {
  const receipts: Receipt[] = [];
  const receiptPuts: Put[] = [];
  let logOffset = 0;
  let previousQuotaUsed = 0n;
  let quotaUsedByAll = 0n;
  for (const tx of block.transactions) {
    if (env.pace.mustPause()) yield 0;
    const applied = yield* applyTransaction(tx, env);
    env.state.settle();
    const receipt = receiptOf(tx, applied, env);
    const { error, logs, quotaUsed, accountNonce } = receipt;
    receiptPuts.push(putReceipt(tx.hash, {
      height: block.header.height,
      index: BigInt(receipts.length),
      logOffset: BigInt(logOffset),
      quotaUsed,
      previousQuotaUsed,
      quota: tx.quota,
      contractAddress: contractAddress(tx, receipt, env),
      error,
      logs,
      accountNonce: BigInt(accountNonce),
    }));
    receipts.push(receipt);
    logOffset += logs.length;
    previousQuotaUsed = quotaUsed;
    quotaUsedByAll += quotaUsed;
  }
  const blooms = receipts.map(({ bloom }) => bloom).filter((bloom) => bloom !== EMPTY_BLOOM);
  return { receipts, receiptPuts, logBloom: mergeBlooms(blooms), quotaUsed: quotaUsedByAll };
}

/** What is recorded of an outcome (11.1). */
function receiptOf(tx: EvmTransaction, applied: Applied, { natives }: BlockExecution): Receipt {
  const { error, quotaUsed } = applied;
  const { logs, accountNonce } = applied.kind === "ran" ? applied : { logs: [], accountNonce: 0 };
  const bloom = natives.blooms.of(logs);
  return { quotaUsed, logs, bloom, error, accountNonce, transactionHash: tx.hash };
}

/** The address of a contract that was created, else empty (11.5). */
function contractAddress(
  { action, sender }: EvmTransaction,
  { error, accountNonce }: Receipt,
  { natives }: BlockExecution,
): Bytes {
  if (action.kind !== "create" || error !== null) return EMPTY_BYTES;
  return bytesOfWord(createAddress(sender, accountNonce, natives.keccak), 20);
}
