/** The client of `chain.ts`: many callers that send single transactions, on a thread of their own. */

import type { Bytes } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { startWorker, workerUrl } from "../shared/workers/mod.ts";
import type { SignedTransaction } from "./chain_signing.ts";

/** What to send. */
export interface SendRequest {
  /** Ports of the controllers, which get the transactions in turn. */
  readonly ports: readonly number[];
  /** Connections, spread over the controllers; at least one to each. */
  readonly connections: number;
  /** Callers that wait for an answer at the same time. */
  readonly concurrency: number;
  /** Encoded transactions. */
  readonly transactions: readonly Bytes[];
}

/** What became of the transactions, in their order. Times are those of the system clock. */
export interface Sent {
  /** NaN for those that were refused. */
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** How many were refused, by reason. */
  readonly refusals: ReadonlyMap<string, number>;
}

/** Transactions that were sent, and how it went. */
export interface Sending {
  /** When each transaction that was accepted was sent, by its hash in hex. */
  readonly sentMs: ReadonlyMap<string, number>;
  readonly startMs: number;
  readonly endMs: number;
  /** How long each call took that was accepted, sorted. */
  readonly answerMs: readonly number[];
  readonly refusals: ReadonlyMap<string, number>;
}

/** Sends transactions, each with a call of its own, and resolves when all are answered. */
export async function send(
  transactions: readonly SignedTransaction[],
  target: Omit<SendRequest, "transactions">,
): Promise<Sending> {
  const url = workerUrl("chain_client_worker", import.meta.url);
  const worker = startWorker<SendRequest, Sent>(url);
  try {
    const startMs = SYSTEM_CLOCK.nowMs();
    const encoded = transactions.map((transaction) => transaction.encoded);
    const sent = await worker.call({ ...target, transactions: encoded });
    const sentMs = new Map<string, number>();
    const answerMs: number[] = [];
    transactions.forEach(({ hash }, index) => {
      const [atMs = NaN, answeredMs = NaN] = [sent.startMs[index], sent.endMs[index]];
      if (Number.isNaN(atMs)) return;
      sentMs.set(hash.toHex(), atMs);
      answerMs.push(answeredMs - atMs);
    });
    answerMs.sort((left, right) => left - right);
    return { sentMs, startMs, endMs: SYSTEM_CLOCK.nowMs(), answerMs, refusals: sent.refusals };
  } finally {
    worker.terminate();
  }
}
