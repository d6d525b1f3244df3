import type { Receipt as WireReceipt } from "../../../../proto/gen/evm.ts";
import { ADDRESS_SIZE } from "../../../../shared/block/mod.ts";
import { type Bytes, uintToBytes } from "../../../../shared/bytes/mod.ts";
import { bytesOfWord, wordOfBytes } from "../word.ts";
import { type Account, EMPTY_BLOB } from "../state/account.ts";
import { addressKey } from "../state/world_state.ts";
import { bloomOfLogs, errorMessage } from "../transaction/receipt.ts";
import type { Chain } from "./chain.ts";
import { executorHash } from "./header.ts";
import { readReceipt, type ReceiptRecord, requireHeader } from "./records.ts";

/** An answer about a receipt. */
export interface FoundReceipt {
  readonly receipt: WireReceipt;
  /** The difference to the transaction before was negative, see {@linkcode shownQuota}. */
  readonly hasOverflow: boolean;
}

/** The receipt of a normal transaction, null when none with that hash was executed (11.5). */
export function findReceipt(chain: Chain, transactionHash: Bytes): FoundReceipt | null {
  const record = readReceipt(chain.reader, transactionHash);
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
    logsBloom: bloomOfLogs(logs, chain.natives.keccak),
    errorMessage: errorMessage(record.error),
  };
  return { receipt, hasOverflow: quota === null };
}

/**
 * The quota shown as used: the difference to the transaction before, as if the recorded numbers
 * were running totals, or null when that is negative. Clients of the reference see just that.
 */
function shownQuota({ quotaUsed, previousQuotaUsed }: ReceiptRecord): bigint | null {
  return quotaUsed >= previousQuotaUsed ? quotaUsed - previousQuotaUsed : null;
}

function accountOf(chain: Chain, address: Bytes): Account | null {
  return chain.state.account(addressKey(wordOfBytes(address)));
}

/** Code of an account, empty without one. */
export function findCode(chain: Chain, address: Bytes): Bytes {
  return chain.state.bytesOf(accountOf(chain, address)?.code ?? EMPTY_BLOB);
}

/** Abi of an account, empty without one. */
export function findAbi(chain: Chain, address: Bytes): Bytes {
  return chain.state.bytesOf(accountOf(chain, address)?.abi ?? EMPTY_BLOB);
}

/** Balance of an account in 32 bytes. */
export function findBalance(chain: Chain, address: Bytes): Bytes {
  return bytesOfWord(accountOf(chain, address)?.balance ?? 0, 32);
}

/** Nonce of an account in 32 bytes. */
export function findNonce(chain: Chain, address: Bytes): Bytes {
  return bytesOfWord(accountOf(chain, address)?.nonce ?? 0, 32);
}
