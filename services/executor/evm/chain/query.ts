import type { Receipt as WireReceipt, ReceiptProof, RootsInfo } from "../../../../proto/gen/evm.ts";
import { ADDRESS_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, equalBytes, toHex, uintToBytes } from "../../../../shared/bytes/mod.ts";
import { bytesOfWord, wordOfBytes } from "../word.ts";
import { type CommittedAccount, EMPTY_BLOB } from "../state/account.ts";
import type { CommittedState } from "../state/committed_state.ts";
import { addressKey } from "../state/world_state.ts";
import { slotKey } from "../state/storage.ts";
import { encodeReceipt, errorMessage } from "../transaction/receipt.ts";
import { encodeProof, receiptProof, receiptTree, rootOf } from "../transaction/receipt_tree.ts";
import type { Chain } from "./chain.ts";
import { executorHash, type Header } from "./header.ts";
import { readReceipt, readReceiptHashes, type ReceiptRecord, requireHeader } from "./records.ts";

/** An answer about a receipt. */
export interface FoundReceipt {
  readonly receipt: WireReceipt;
  /** The difference to the transaction before was negative, see {@linkcode shownQuota}. */
  readonly hasOverflow: boolean;
}

/** The receipt of a normal transaction, null when none with that hash was executed (11.5). */
export function findReceipt(chain: Chain, transactionHash: Bytes): FoundReceipt | null {
  const record = recordOf(chain, transactionHash);
  if (record === null) return null;
  const header = requireHeader(chain.reader, record.height);
  const blockHash = executorHash(header, chain.hash);
  const { height: blockNumber, index: transactionIndex, logs, logOffset } = record;
  const place = { blockHash, blockNumber, transactionHash, transactionIndex };
  const quota = shownQuota(record);
  const receipt: WireReceipt = {
    ...place,
    cumulativeQuotaUsed: uintToBytes(record.quotaUsed, 32),
    quotaUsed: uintToBytes(quota ?? record.quota, 32),
    contractAddress: record.contractAddress.length === 0
      ? new Uint8Array(ADDRESS_SIZE)
      : record.contractAddress,
    logs: logs.map(({ address, topics, data }, index) => ({
      ...place,
      address,
      topics: [...topics],
      data,
      logIndex: logOffset + BigInt(index),
      transactionLogIndex: BigInt(index),
    })),
    stateRoot: header.stateRoot,
    logsBloom: chain.natives.blooms.of(logs),
    errorMessage: errorMessage(record.error),
  };
  return { receipt, hasOverflow: quota === null };
}

/** A chain that was set back still has receipts of the blocks above. */
function recordOf(chain: Chain, transactionHash: Bytes): ReceiptRecord | null {
  const record = readReceipt(chain.reader, transactionHash);
  return record === null || record.height > chain.header.height ? null : record;
}

/**
 * The quota shown as used: the difference to the transaction before, as if the recorded numbers
 * were running totals, or null when that is negative. Clients of the reference see just that.
 */
function shownQuota({ quotaUsed, previousQuotaUsed }: ReceiptRecord): bigint | null {
  return quotaUsed >= previousQuotaUsed ? quotaUsed - previousQuotaUsed : null;
}

/**
 * What proves a receipt against the receipts root of its block, null when no transaction with that
 * hash was executed. Of 6.7.0, where the proof is over what is stored of receipts, with a state root
 * in front, and leads to no receipts root unless the block has one transaction; here it does.
 */
export function findReceiptProof(chain: Chain, transactionHash: Bytes): ReceiptProof | null {
  const record = recordOf(chain, transactionHash);
  if (record === null) return null;
  const header = requireHeader(chain.reader, record.height);
  const tree = receiptTreeOf(chain, header);
  if (tree === null) return null;
  const bloom = chain.natives.blooms.of(record.logs);
  return {
    receipt: encodeReceipt({ ...record, bloom, transactionHash }),
    receiptProof: encodeProof(receiptProof(tree, Number(record.index))),
    rootsInfo: rootsOf(header),
  };
}

/** The receipts of a block, null when their hashes are not those of the header. */
function receiptTreeOf(
  { receiptTrees, reader, hash }: Chain,
  { height, receiptsRoot }: Header,
): Bytes | null {
  const key = toHex(receiptsRoot);
  const known = receiptTrees.get(key);
  if (known !== undefined) return known;
  const tree = receiptTree(readReceiptHashes(reader, height), hash);
  if (!equalBytes(rootOf(tree, hash), receiptsRoot)) return null;
  receiptTrees.set(key, tree);
  return tree;
}

/** The roots of an executed block. */
export function rootsOf({ height, stateRoot, receiptsRoot }: Header): RootsInfo {
  return { height, stateRoot, receiptRoot: receiptsRoot };
}

function accountOf(state: CommittedState, address: Bytes): CommittedAccount | null {
  return state.account(addressKey(wordOfBytes(address)));
}

/** Code of an account, empty without one. */
export function findCode(state: CommittedState, address: Bytes): Bytes {
  return state.bytesOf(accountOf(state, address)?.code ?? EMPTY_BLOB);
}

/** Abi of an account, empty without one. */
export function findAbi(state: CommittedState, address: Bytes): Bytes {
  return state.bytesOf(accountOf(state, address)?.abi ?? EMPTY_BLOB);
}

/** Balance of an account in 32 bytes. */
export function findBalance(state: CommittedState, address: Bytes): Bytes {
  return bytesOfWord(accountOf(state, address)?.balance ?? 0, 32);
}

/** Nonce of an account in 32 bytes. */
export function findNonce(state: CommittedState, address: Bytes): Bytes {
  return bytesOfWord(accountOf(state, address)?.nonce ?? 0, 32);
}

/** Value of a slot of an account in 32 bytes. */
export function findSlot(state: CommittedState, address: Bytes, position: Bytes): Bytes {
  const slot = slotKey(wordOfBytes(position));
  return bytesOfWord(accountOf(state, address)?.storage?.get(slot) ?? 0, 32);
}
