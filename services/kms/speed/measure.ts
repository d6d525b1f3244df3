import { assert } from "../../../shared/assert/mod.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import type { CryptoSuite } from "../../../shared/crypto/mod.ts";
import { startChecker, type TransactionChecker } from "../checker/checker.ts";
import { KNOWN_TRANSACTIONS_MAX } from "../checker/core/known_transactions.ts";
import { newSenders, signedBatch } from "./workload.ts";

/** What is measured; the names that programs read. */
export type SpeedOperation =
  | "hash"
  | "sign"
  | "recover_new_key"
  | "recover_known_key"
  | "check_new_senders"
  | "check_known_senders"
  | "check_repeated";

/** What one operation reached. */
export interface SpeedResult {
  readonly operation: SpeedOperation;
  /** Hashes, signatures or transactions per second. */
  readonly perSecond: number;
  /** Of one call: a hash, a signature or a whole batch. */
  readonly milliseconds: number;
}

/** How to measure. */
export interface SpeedOptions {
  readonly suite: CryptoSuite;
  readonly clock: Clock;
  /** How long each operation runs; those with new keys run once for each key that was made. */
  readonly seconds: number;
}

/** About the size of an encoded transaction without its signature. */
export const HASHED_SIZE = 130;

/** Transactions of a batch. */
export const BATCH_SIZE = 1_000;

/** Senders of the batch whose senders are known. */
export const KNOWN_SENDERS = 20;

/** Batches by new senders: the quickest counts. Making 1,000 keys takes a second or two. */
const NEW_SENDER_BATCHES = 3;

/** Code is compiled and tables are built before the time counts. */
const WARM_UP_RUNS = 50;

const DIGEST = new Uint8Array(32).fill(0x11);

/** Measures the operations of a suite on this thread, then batches on all cores. */
export async function* measureSpeed(options: SpeedOptions): AsyncGenerator<SpeedResult> {
  const { suite } = options;
  const data = new Uint8Array(HASHED_SIZE);
  yield rate(options, "hash", () => suite.hash(data));
  const [sender] = newSenders(suite, 1);
  assert(sender !== undefined, "One was asked for");
  const { secretKey, publicKey } = sender;
  yield rate(options, "sign", () => suite.sign(secretKey, DIGEST, publicKey));
  yield rateOfNewKeys(options);
  const signature = suite.sign(secretKey, DIGEST, publicKey);
  yield rate(options, "recover_known_key", () => suite.recover(DIGEST, signature));
  // the same batch can be checked again and again by a checker that remembers nothing
  yield* withChecker(options, 0, async function* (checker) {
    yield await measureNewSenders(checker, options);
    const senders = newSenders(suite, KNOWN_SENDERS);
    const batch = signedBatch(suite, senders, BATCH_SIZE);
    yield await batchTime(checker, options, { operation: "check_known_senders", batch });
  });
  yield* withChecker(options, KNOWN_TRANSACTIONS_MAX, async function* (checker) {
    const batch = signedBatch(suite, newSenders(suite, 1), BATCH_SIZE);
    yield await batchTime(checker, options, { operation: "check_repeated", batch });
  });
}

async function* withChecker(
  { suite, clock }: SpeedOptions,
  knownTransactionsMax: number,
  measure: (checker: TransactionChecker) => AsyncGenerator<SpeedResult>,
): AsyncGenerator<SpeedResult> {
  const checker = await startChecker({ suite, clock, knownTransactionsMax });
  try {
    yield* measure(checker);
  } finally {
    checker.stop();
  }
}

function result(operation: SpeedOperation, calls: number, elapsedMs: number): SpeedResult {
  return { operation, perSecond: calls * 1000 / elapsedMs, milliseconds: elapsedMs / calls };
}

function rate({ clock, seconds }: SpeedOptions, operation: SpeedOperation, run: () => void) {
  for (let i = 0; i < WARM_UP_RUNS; i++) run();
  const startMs = clock.monotonicMs();
  let calls = 0;
  let elapsedMs = 0;
  while (elapsedMs < seconds * 1000) {
    run();
    calls++;
    elapsedMs = clock.monotonicMs() - startMs;
  }
  return result(operation, calls, elapsedMs);
}

/** Each key signs once: nothing that a verifier keeps about keys can help. */
function rateOfNewKeys({ suite, clock }: SpeedOptions): SpeedResult {
  const signatures = newSenders(suite, WARM_UP_RUNS + BATCH_SIZE).map(({ secretKey, publicKey }) =>
    suite.sign(secretKey, DIGEST, publicKey)
  );
  for (const signature of signatures.splice(0, WARM_UP_RUNS)) suite.recover(DIGEST, signature);
  const startMs = clock.monotonicMs();
  for (const signature of signatures) suite.recover(DIGEST, signature);
  return result("recover_new_key", signatures.length, clock.monotonicMs() - startMs);
}

/** Milliseconds of one batch. */
async function timeOf(checker: TransactionChecker, clock: Clock, batch: Bytes): Promise<number> {
  const startMs = clock.monotonicMs();
  const refusal = await checker.check(batch);
  assert(refusal === null, "Transactions that were signed here pass");
  return clock.monotonicMs() - startMs;
}

async function measureNewSenders(
  checker: TransactionChecker,
  { suite, clock }: SpeedOptions,
): Promise<SpeedResult> {
  const newBatch = () => signedBatch(suite, newSenders(suite, BATCH_SIZE), BATCH_SIZE);
  await timeOf(checker, clock, newBatch());
  let bestMs = Infinity;
  for (let run = 0; run < NEW_SENDER_BATCHES; run++) {
    bestMs = Math.min(bestMs, await timeOf(checker, clock, newBatch()));
  }
  return batchResult("check_new_senders", bestMs);
}

function batchResult(operation: SpeedOperation, milliseconds: number): SpeedResult {
  return { operation, perSecond: BATCH_SIZE * 1000 / milliseconds, milliseconds };
}

/** The quickest check of a batch within the time given. */
async function batchTime(
  checker: TransactionChecker,
  { clock, seconds }: SpeedOptions,
  { operation, batch }: { readonly operation: SpeedOperation; readonly batch: Bytes },
): Promise<SpeedResult> {
  await timeOf(checker, clock, batch);
  const endMs = clock.monotonicMs() + seconds * 1000;
  let bestMs = await timeOf(checker, clock, batch);
  while (clock.monotonicMs() < endMs) {
    bestMs = Math.min(bestMs, await timeOf(checker, clock, batch));
  }
  return batchResult(operation, bestMs);
}
