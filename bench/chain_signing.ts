/** Transactions for a chain, signed before anything is measured. */

import type { Bytes } from "../shared/bytes/mod.ts";
import { type SuiteName } from "../shared/crypto/mod.ts";
import { startWorker, workerUrl } from "../shared/workers/mod.ts";
import type { Net } from "./chain_net.ts";

/** What a thread signs. */
export interface SigningRequest {
  readonly crypto: SuiteName;
  readonly chainId: Bytes;
  readonly validUntilBlock: bigint;
  readonly count: number;
  /** The hash of a transaction does not tell its sender: nonces differ throughout the run. */
  readonly firstNonce: number;
}

/** A transaction as it is sent. */
export interface SignedTransaction {
  /** An encoded `blockchain.RawTransaction`. */
  readonly encoded: Bytes;
  readonly hash: Bytes;
  readonly signature: Bytes;
}

/** Blocks that a transaction stays valid for; the limit of 100 less a margin. */
const VALID_BLOCKS = 95n;
const THREADS = 2;

/** Signs transfers of nothing to an address without code, by several senders. */
export async function signTransactions(net: Net, count: number): Promise<SignedTransaction[]> {
  console.log(`signing ${count} transactions`);
  const { chainId } = await net.first.getSystemConfig({});
  const { blockNumber } = await net.first.getBlockNumber({ flag: false });
  const shared = {
    crypto: net.options.crypto,
    chainId,
    validUntilBlock: blockNumber + VALID_BLOCKS,
  };
  const shares = Array.from(
    { length: THREADS },
    (_, thread) => Math.floor((count + thread) / THREADS),
  );
  const signed = await Promise.all(shares.map(async (share, thread) => {
    const url = workerUrl("chain_signing_worker", import.meta.url);
    const worker = startWorker<SigningRequest, SignedTransaction[]>(url);
    try {
      return await worker.call({ ...shared, count: share, firstNonce: thread * count });
    } finally {
      worker.terminate();
    }
  }));
  return signed.flat();
}
