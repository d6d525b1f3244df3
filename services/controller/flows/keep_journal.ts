import { RawTransactions } from "../../../proto/gen/blockchain.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import { tryDecode } from "../../../shared/codec/mod.ts";
import type { JournalPort } from "../ports.ts";
import type { Admission } from "./admission.ts";
import type { Forwarder } from "./forwarder.ts";
import type { Node } from "./node.ts";
import type { PoolJournal } from "./pool_journal.ts";
import { type RetryOptions, untilReady } from "./retry.ts";

/** Transactions that are checked together: what the kms is asked in two calls. */
const BATCH_COUNT_MAX = 1_024;

/** How often it is looked whether the journal holds too much. */
const TIDY_TICK_MS = 10_000;

/** Collaborators of {@linkcode keepJournal}. */
export interface JournalParts {
  readonly journal: PoolJournal;
  readonly admission: Admission;
  readonly forwarder: Forwarder;
  readonly retry: RetryOptions;
}

/**
 * Brings back what the pool held when the process ended, while the node serves already, then keeps
 * the journal small until the node is asked to stop.
 */
export async function keepJournal(node: Node, parts: JournalParts): Promise<void> {
  const { ports: { journal }, clock, signal } = node.env;
  if (journal === null) return;
  await restore(node, { ...parts, port: journal });
  while (!signal.aborted) {
    await clock.sleep(TIDY_TICK_MS, signal);
    if (!signal.aborted) await parts.journal.tidy();
  }
}

/** Nothing may be dropped from the journal before all of it was looked at. */
async function restore(
  { env: { log } }: Node,
  { journal, admission, forwarder, retry, port }: JournalParts & { readonly port: JournalPort },
): Promise<void> {
  let found = 0;
  let restored = 0;
  for await (const records of port.load()) {
    for (let at = 0; at < records.length; at += BATCH_COUNT_MAX) {
      const raws = records.slice(at, at + BATCH_COUNT_MAX).flatMap(decodeRecord);
      const admitted = await untilReady(() => admission.readmit(raws), retry);
      forwarder.watch(admitted);
      restored += admitted.length;
    }
    found += records.length;
  }
  if (found > 0) log.info(`journal: ${restored} of ${found} transactions wait for a block again`);
  await journal.shrink();
}

function decodeRecord(record: Bytes): RawTransactions["body"] {
  return tryDecode(RawTransactions, record)?.body ?? [];
}
