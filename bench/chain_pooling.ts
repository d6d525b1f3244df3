/** Transactions that wait in the pools of a chain. */

import { RawTransaction } from "../proto/gen/blockchain.ts";
import { decode } from "../shared/codec/mod.ts";
import type { Net } from "./chain_net.ts";
import { type Service, untilIdle } from "./chain_processes.ts";
import type { SignedTransaction } from "./chain_signing.ts";

/** Transactions of a call. */
const BATCH_COUNT = 500;

/** Calls that wait for an answer at the same time. */
const CONCURRENCY = 4;

/** A batch waits for those that were sent before it. */
const DEADLINE_MS = 60_000;

/** Fills the pools of all nodes, each of which forwards what it gets. */
export async function fillPools(
  net: Net,
  services: readonly Service[],
  transactions: readonly SignedTransaction[],
): Promise<void> {
  console.log(`filling the pools with ${transactions.length} transactions`);
  let at = 0;
  const caller = async (number: number) => {
    const controller = net.controllers[number % net.controllers.length];
    while (at < transactions.length) {
      const batch = transactions.slice(at, at += BATCH_COUNT);
      const body = batch.map(({ encoded }) => decode(RawTransaction, encoded));
      await controller?.sendRawTransactions({ body }, { deadlineMs: DEADLINE_MS });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, (_, number) => caller(number)));
  await untilIdle(services, "controller");
}
