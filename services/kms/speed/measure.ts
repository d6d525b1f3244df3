import { assert } from "../../../shared/assert/mod.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import type { CryptoSuite } from "../../../shared/crypto/mod.ts";
import { startChecker, type TransactionChecker } from "../checker/checker.ts";
import { KNOWN_TRANSACTIONS_MAX } from "../checker/core/known_transactions.ts";
import { processorMs, processorRate } from "./stopwatch.ts";
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
  /**
   * Hashes or signatures per second of processor time on one core; transactions per second by the
   * clock on all cores.
   */
  readonly perSecond: number;
  /** Of one hash or signature; of a whole batch by the clock. */
  readonly milliseconds: number;
  /** The same for one core; for a batch the sum over all threads. */
  readonly processorMilliseconds: number;
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

/** Keys that are used before the time counts, so that code is compiled. */
const WARM_UP_KEYS = 50;

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
    yield await measureBatch(checker, options, { operation: "check_known_senders", batch });
  });
  yield* withChecker(options, KNOWN_TRANSACTIONS_MAX, async function* (checker) {
    const batch = signedBatch(suite, newSenders(suite, 1), BATCH_SIZE);
    yield await measureBatch(checker, options, { operation: "check_repeated", batch });
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

function single(operation: SpeedOperation, perSecond: number): SpeedResult {
  const milliseconds = 1000 / perSecond;
  return { operation, perSecond, milliseconds, processorMilliseconds: milliseconds };
}

function rate({ seconds }: SpeedOptions, operation: SpeedOperation, run: () => void): SpeedResult {
  return single(operation, processorRate(run, seconds * 1000));
}

/** Each key signs once: nothing that a verifier keeps about keys can help. */
function rateOfNewKeys({ suite }: SpeedOptions): SpeedResult {
  const signatures = newSenders(suite, WARM_UP_KEYS + BATCH_SIZE).map(({ secretKey, publicKey }) =>
    suite.sign(secretKey, DIGEST, publicKey)
  );
  for (const signature of signatures.splice(0, WARM_UP_KEYS)) suite.recover(DIGEST, signature);
  const startMs = processorMs();
  for (const signature of signatures) suite.recover(DIGEST, signature);
  return single("recover_new_key", signatures.length * 1000 / (processorMs() - startMs));
}

/** What a batch took. */
interface BatchTime {
  readonly milliseconds: number;
  readonly processorMilliseconds: number;
}

async function timeOf(checker: TransactionChecker, clock: Clock, batch: Bytes): Promise<BatchTime> {
  const [startMs, startProcessorMs] = [clock.monotonicMs(), processorMs()];
  const refusal = await checker.check(batch);
  assert(refusal === null, "Transactions that were signed here pass");
  return {
    milliseconds: clock.monotonicMs() - startMs,
    processorMilliseconds: processorMs() - startProcessorMs,
  };
}

/** The least of each: what other programs on the machine do only adds. */
function batchResult(operation: SpeedOperation, times: readonly BatchTime[]): SpeedResult {
  const milliseconds = Math.min(...times.map((time) => time.milliseconds));
  const processorMilliseconds = Math.min(...times.map((time) => time.processorMilliseconds));
  const perSecond = BATCH_SIZE * 1000 / milliseconds;
  return { operation, perSecond, milliseconds, processorMilliseconds };
}

async function measureNewSenders(
  checker: TransactionChecker,
  { suite, clock }: SpeedOptions,
): Promise<SpeedResult> {
  const newBatch = () => signedBatch(suite, newSenders(suite, BATCH_SIZE), BATCH_SIZE);
  await timeOf(checker, clock, newBatch());
  const times: BatchTime[] = [];
  while (times.length < NEW_SENDER_BATCHES) times.push(await timeOf(checker, clock, newBatch()));
  return batchResult("check_new_senders", times);
}

/** Checks a batch again and again within the time given, at least once. */
async function measureBatch(
  checker: TransactionChecker,
  { clock, seconds }: SpeedOptions,
  { operation, batch }: { readonly operation: SpeedOperation; readonly batch: Bytes },
): Promise<SpeedResult> {
  await timeOf(checker, clock, batch);
  const endMs = clock.monotonicMs() + seconds * 1000;
  const times = [await timeOf(checker, clock, batch)];
  while (clock.monotonicMs() < endMs) times.push(await timeOf(checker, clock, batch));
  return batchResult(operation, times);
}
