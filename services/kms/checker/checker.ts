import { assert } from "../../../shared/assert/mod.ts";
import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import { DecodeError } from "../../../shared/codec/mod.ts";
import type { CryptoSuite } from "../../../shared/crypto/mod.ts";
import { startWorker, type WorkerLink, workerUrl } from "../../../shared/workers/mod.ts";
import type { TransactionRefusal } from "../check_transactions.ts";
import { SharedPause } from "../shared_pause.ts";
import { Batch, type BatchOutcome } from "./core/batch.ts";
import { CheckQueue, type Task } from "./core/check_queue.ts";
import { KNOWN_TRANSACTIONS_MAX, KnownTransactions } from "./core/known_transactions.ts";
import type { CheckRequest, CheckResponse } from "./messages.ts";

/** Threads at most; more would share few memory channels and one thread that feeds them. */
const WORKERS_MAX = 16;

/** Threads on a machine with so many cores. */
export function workerCountOf(coreCount: number): number {
  return Math.min(coreCount, WORKERS_MAX);
}

/** One is worked on, one waits: a worker need not wait for the next message. */
const MESSAGES_PER_WORKER_MAX = 2;

/** Size of the requests that wait for an answer together, in bytes; a larger one may wait alone. */
const WAITING_SIZE_MAX = 256 * 1024 * 1024;

/** Too much is waiting already. */
export class CheckerBusy extends Error {
  override name = "CheckerBusy";
}

/** The checker was stopped before it had an answer. */
export class CheckerStopped extends Error {
  override name = "CheckerStopped";
}

/** How to check. */
export interface CheckerOptions {
  readonly suite: CryptoSuite;
  readonly clock: Clock;
  /** One per core by default, 16 at most. */
  readonly workerCount?: number;
  readonly knownTransactionsMax?: number;
  readonly waitingSizeMax?: number;
}

/** Checks hashes and signatures of batches of transactions on all cores. */
export interface TransactionChecker {
  /**
   * Checks an encoded `RawTransactions` (spec/storage_kms.md, B5). The outcome is that of decoding
   * it and checking one transaction after the other: the refusal with the lowest position, null
   * when all pass. Transactions that passed recently are not checked again.
   *
   * The calling thread is never held up for long, whatever the request. Concurrent batches take
   * turns.
   *
   * @throws {DecodeError} when the request is malformed
   * @throws {CheckerBusy} when too much waits already
   * @throws {CheckerStopped} when the checker is stopped before
   */
  check(request: Bytes): Promise<TransactionRefusal | null>;
  /** Ends the threads; batches under way are rejected. */
  stop(): void;
}

/** Starts the threads and waits until they can work. */
export async function startChecker(options: CheckerOptions): Promise<TransactionChecker> {
  const { suite, workerCount = workerCountOf(navigator.hardwareConcurrency) } = options;
  const url = workerUrl("check_worker", import.meta.url);
  const workers = Array.from(
    { length: workerCount },
    () => startWorker<CheckRequest, CheckResponse>(url),
  );
  try {
    await Promise.all(workers.map((worker) => worker.call({ kind: "open", suite: suite.name })));
  } catch (cause) {
    for (const worker of workers) worker.terminate();
    throw cause;
  }
  return new Checker(workers, options);
}

interface CheckWorker {
  readonly link: WorkerLink<CheckRequest, CheckResponse>;
  messageCount: number;
}

interface Waiting {
  resolve(outcome: BatchOutcome): void;
  reject(cause: unknown): void;
}

/** Feeds the workers; what to give them is decided in `core`. */
class Checker implements TransactionChecker {
  readonly #workers: readonly CheckWorker[];
  readonly #suite: CryptoSuite;
  readonly #known: KnownTransactions;
  readonly #queue: CheckQueue;
  readonly #waiting = new Map<Batch, Waiting>();
  readonly #pause: SharedPause;
  readonly #waitingSizeMax: number;
  #waitingSize = 0;
  #isFeeding = false;
  #isStopped = false;

  constructor(links: readonly CheckWorker["link"][], options: CheckerOptions) {
    const { suite, clock, knownTransactionsMax = KNOWN_TRANSACTIONS_MAX } = options;
    this.#waitingSizeMax = options.waitingSizeMax ?? WAITING_SIZE_MAX;
    this.#workers = links.map((link) => ({ link, messageCount: 0 }));
    this.#queue = new CheckQueue(links.length);
    this.#suite = suite;
    this.#known = new KnownTransactions(knownTransactionsMax);
    this.#pause = new SharedPause(clock);
  }

  async check(request: Bytes): Promise<TransactionRefusal | null> {
    const { length } = request;
    if (this.#waitingSize > 0 && this.#waitingSize + length > this.#waitingSizeMax) {
      throw new CheckerBusy(
        `Cannot take ${length} bytes of transactions: ${this.#waitingSize} bytes wait already`,
      );
    }
    this.#waitingSize += length;
    try {
      const outcome = await this.#run(request);
      if (outcome.kind === "checked") return outcome.refusal;
      throw new DecodeError("Cannot decode the transactions: they are malformed");
    } finally {
      this.#waitingSize -= length;
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const { reject } of this.#waiting.values()) reject(stopped());
    this.#waiting.clear();
    for (const { link } of this.#workers) link.terminate();
    this.#pause.stop();
  }

  #run(request: Bytes): Promise<BatchOutcome> {
    const workerCount = this.#workers.length;
    const batch = new Batch(request, { hash: this.#suite.hash, known: this.#known, workerCount });
    return new Promise((resolve, reject) => {
      if (this.#isStopped) return reject(stopped());
      this.#waiting.set(batch, { resolve, reject });
      this.#queue.add(batch);
      this.#answerIfDone(batch);
      this.#feed();
    });
  }

  #answerIfDone(batch: Batch): void {
    const { outcome } = batch;
    if (outcome === null) return;
    this.#waiting.get(batch)?.resolve(outcome);
    this.#waiting.delete(batch);
  }

  /** Gives chunks to workers as long as there are both, giving way to other calls meanwhile. */
  async #feed(): Promise<void> {
    if (this.#isFeeding) return;
    this.#isFeeding = true;
    for (let worker = this.#freeWorker(); worker !== null; worker = this.#freeWorker()) {
      const round = this.#queue.next();
      if (round === null) break;
      if (round.idle !== null) this.#answerIfDone(round.idle);
      if (round.tasks.length > 0) this.#work(worker, round.tasks);
      await this.#pause.take();
    }
    this.#isFeeding = false;
  }

  /** The worker with the least to do; null when all have enough. */
  #freeWorker(): CheckWorker | null {
    if (this.#isStopped) return null;
    const [first, ...others] = this.#workers;
    if (first === undefined) return null;
    const idlest = others.reduce((a, b) => b.messageCount < a.messageCount ? b : a, first);
    return idlest.messageCount < MESSAGES_PER_WORKER_MAX ? idlest : null;
  }

  async #work(worker: CheckWorker, tasks: readonly Task[]): Promise<void> {
    worker.messageCount++;
    try {
      const chunks = tasks.map(({ chunk: { body, isToBeVerified } }) => ({ body, isToBeVerified }));
      const response = await this.#call(worker, { kind: "check", chunks });
      assert(response.kind === "checked", "A worker answers what it was asked");
      for (const [index, { batch, chunk }] of tasks.entries()) {
        const report = response.reports[index];
        assert(report !== undefined, "A worker reports each chunk");
        batch.settle(chunk, report);
        this.#answerIfDone(batch);
      }
    } catch (cause) {
      for (const { batch } of tasks) {
        this.#waiting.get(batch)?.reject(cause);
        this.#waiting.delete(batch);
      }
    }
    worker.messageCount--;
    this.#feed();
  }

  async #call(worker: CheckWorker, request: CheckRequest) {
    try {
      return await worker.link.call(request);
    } catch (cause) {
      throw this.#isStopped ? stopped() : cause;
    }
  }
}

function stopped(): CheckerStopped {
  return new CheckerStopped("Cannot check transactions: the service stops");
}
