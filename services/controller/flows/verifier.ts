import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { KmsPort } from "../ports.ts";

/** Transactions that one caller wants to have verified together. */
interface Job {
  readonly transactions: readonly RawTransaction[];
  readonly resolve: (code: StatusCode) => void;
}

/** Transactions per call to the kms: enough to hide the cost of a call, few enough to be fair. */
const BATCH_COUNT_MAX = 512;

/** Calls in flight: one is verified while the next one travels. */
const CALLS_MAX = 2;

/**
 * Verifies hashes and signatures through the kms with few calls: what arrives while a call is in
 * flight goes together into the next one. Every caller gets the code of its own transactions; to
 * that end a batch that the kms refuses is cut in half until the refused ones are alone.
 */
export class SignatureVerifier {
  readonly #kms: Pick<KmsPort, "checkTransactions">;
  readonly #queue: Job[] = [];
  #callsInFlight = 0;
  #waitingCount = 0;
  /** Shrinks while bad signatures come in, so that they cost little beside the good ones. */
  #batchCount = BATCH_COUNT_MAX;

  constructor(kms: Pick<KmsPort, "checkTransactions">) {
    this.#kms = kms;
  }

  /** Transactions that wait for a call to the kms. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /**
   * The code of the first transaction that is wrong, 300 when the kms is away.
   *
   * @param isUrgent goes before what waits: consensus waits for the answer
   */
  async verify(transactions: readonly RawTransaction[], isUrgent = false): Promise<StatusCode> {
    if (transactions.length === 0) return StatusCode.Success;
    const chunks: Promise<StatusCode>[] = [];
    const jobs: Job[] = [];
    for (let at = 0; at < transactions.length; at += BATCH_COUNT_MAX) {
      const chunk = transactions.slice(at, at + BATCH_COUNT_MAX);
      chunks.push(new Promise((resolve) => jobs.push({ transactions: chunk, resolve })));
    }
    this.#waitingCount += transactions.length;
    if (isUrgent) this.#queue.unshift(...jobs);
    else this.#queue.push(...jobs);
    this.#fill();
    const codes = await Promise.all(chunks);
    return codes.find((code) => code !== StatusCode.Success) ?? StatusCode.Success;
  }

  #fill(): void {
    while (this.#callsInFlight < CALLS_MAX && this.#queue.length > 0) {
      this.#callsInFlight++;
      this.#check(this.#takeBatch()).finally(() => {
        this.#callsInFlight--;
        this.#fill();
      });
    }
  }

  /** At least one job, however large. */
  #takeBatch(): Job[] {
    let count = 0;
    let size = 0;
    for (const { transactions } of this.#queue) {
      if (count > 0 && size + transactions.length > this.#batchCount) break;
      size += transactions.length;
      count++;
    }
    this.#waitingCount -= size;
    return this.#queue.splice(0, count);
  }

  async #check(jobs: readonly Job[]): Promise<void> {
    const code = await this.#kms.checkTransactions(jobs.flatMap((job) => job.transactions));
    const isGood = code === StatusCode.Success;
    if (isGood || jobs.length === 1 || code === StatusCode.KmsServerNotReady) {
      if (isGood) this.#batchCount = Math.min(BATCH_COUNT_MAX, 2 * this.#batchCount);
      for (const { resolve } of jobs) resolve(code);
      return;
    }
    this.#batchCount = Math.max(1, this.#batchCount >> 2);
    const middle = jobs.length >> 1;
    await this.#check(jobs.slice(0, middle));
    await this.#check(jobs.slice(middle));
  }
}
