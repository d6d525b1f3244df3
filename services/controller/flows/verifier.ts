import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { sameTransaction } from "../auth/mod.ts";
import { transactionKey, VerifiedTransactions } from "../pool/mod.ts";
import type { KmsPort } from "../ports.ts";

/** Transactions that one caller wants to have verified together. */
interface Job {
  readonly transactions: readonly RawTransaction[];
  readonly done: Promise<StatusCode>;
  readonly resolve: (code: StatusCode) => void;
}

/** Transactions per call to the kms: enough to hide the cost of a call, few enough to be fair. */
const BATCH_COUNT_MAX = 512;

/** Calls in flight: one is verified while the next one travels. */
const CALLS_MAX = 2;

/** Verified transactions that are remembered: those of a full block, and as many again. */
const REMEMBERED = { countMax: 30_000, sizeMax: 12 * 1024 * 1024 };

/**
 * Verifies hashes and signatures through the kms with few calls: what arrives while a call is in
 * flight goes together into the next one. Every caller gets the code of its own transactions; to
 * that end a batch that the kms refuses is cut in half until the refused ones are alone. A
 * transaction that is being verified already, or was lately, is not verified again.
 */
export class SignatureVerifier {
  readonly #kms: Pick<KmsPort, "checkTransactions">;
  /** Jobs that go before the others. */
  readonly #urgent = new Set<Job>();
  readonly #waiting = new Set<Job>();
  /** Transactions of jobs that are not done, by their hashes in hex. */
  readonly #running = new Map<string, { readonly raw: RawTransaction; readonly job: Job }>();
  readonly #verified = new VerifiedTransactions(REMEMBERED);
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
    // the reference kms dies of one without variant, and with it the call of all
    const end = transactions.findIndex(({ tx }) => tx === undefined);
    if (end === -1) return await this.#verify(transactions, isUrgent);
    const before = await this.#verify(transactions.slice(0, end), isUrgent);
    return before === StatusCode.Success ? StatusCode.NoneRawTx : before;
  }

  async #verify(transactions: readonly RawTransaction[], isUrgent: boolean): Promise<StatusCode> {
    const shared = new Set<Job>();
    const own = this.#unverified(transactions).filter((raw) => {
      const running = this.#running.get(transactionKey(raw));
      if (running === undefined || !sameTransaction(running.raw, raw)) return true;
      shared.add(running.job);
      return false;
    });
    for (const job of shared) if (isUrgent && this.#waiting.delete(job)) this.#urgent.add(job);
    const [code, ...others] = await Promise.all([
      this.#run(own, isUrgent),
      ...[...shared].map(({ done }) => done),
    ]);
    if (others.every((other) => other === StatusCode.Success)) return code;
    // they may be refused for what is not in this list: the rest is verified alone, in its order
    return await this.#run(this.#unverified(transactions), isUrgent);
  }

  #unverified(transactions: readonly RawTransaction[]): RawTransaction[] {
    return transactions.filter((raw) => !this.#verified.has(raw));
  }

  async #run(transactions: readonly RawTransaction[], isUrgent: boolean): Promise<StatusCode> {
    const jobs: Job[] = [];
    for (let at = 0; at < transactions.length; at += BATCH_COUNT_MAX) {
      const job = this.#begin(transactions.slice(at, at + BATCH_COUNT_MAX));
      (isUrgent ? this.#urgent : this.#waiting).add(job);
      jobs.push(job);
    }
    this.#fill();
    const codes = await Promise.all(jobs.map(({ done }) => done));
    return codes.find((code) => code !== StatusCode.Success) ?? StatusCode.Success;
  }

  #begin(transactions: readonly RawTransaction[]): Job {
    const { promise: done, resolve } = Promise.withResolvers<StatusCode>();
    const job = { transactions, done, resolve };
    for (const raw of transactions) this.#running.set(transactionKey(raw), { raw, job });
    this.#waitingCount += transactions.length;
    return job;
  }

  #finish({ transactions, resolve }: Job, code: StatusCode): void {
    for (const raw of transactions) {
      this.#running.delete(transactionKey(raw));
      if (code === StatusCode.Success) this.#verified.add(raw);
    }
    resolve(code);
  }

  #fill(): void {
    while (this.#callsInFlight < CALLS_MAX && this.#urgent.size + this.#waiting.size > 0) {
      this.#callsInFlight++;
      this.#check(this.#takeBatch()).finally(() => {
        this.#callsInFlight--;
        this.#fill();
      });
    }
  }

  /** At least one job, however large. */
  #takeBatch(): Job[] {
    const batch: Job[] = [];
    let count = 0;
    for (const queue of [this.#urgent, this.#waiting]) {
      for (const job of queue) {
        const size = job.transactions.length;
        if (batch.length > 0 && count + size > this.#batchCount) break;
        queue.delete(job);
        batch.push(job);
        count += size;
      }
    }
    this.#waitingCount -= count;
    return batch;
  }

  async #check(jobs: readonly Job[]): Promise<void> {
    const code = await this.#kms.checkTransactions(jobs.flatMap((job) => job.transactions));
    const isGood = code === StatusCode.Success;
    if (isGood || jobs.length === 1 || code === StatusCode.KmsServerNotReady) {
      if (isGood) this.#batchCount = Math.min(BATCH_COUNT_MAX, 2 * this.#batchCount);
      for (const job of jobs) this.#finish(job, code);
      return;
    }
    this.#batchCount = Math.max(1, this.#batchCount >> 2);
    const middle = jobs.length >> 1;
    await this.#check(jobs.slice(0, middle));
    await this.#check(jobs.slice(middle));
  }
}
