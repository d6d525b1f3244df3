import type { Batch } from "./batch.ts";
import type { Chunk } from "./chunk.ts";

/** A chunk with the batch that it was taken from. */
export interface Task {
  readonly batch: Batch;
  readonly chunk: Chunk;
}

/** What came out of the turns of some batches. */
export interface Round {
  /** Work for one worker, chunks of different batches. */
  readonly tasks: readonly Task[];
  /** The batch whose turn needed no work: nothing may be missing for its outcome any more. */
  readonly idle: Batch | null;
}

/**
 * Chunks for one message to a worker at most. Many callers with a transaction each would otherwise
 * pay for messages, 0.1 ms, what they pay for checks.
 */
const TASKS_MAX = 8;

/** Transactions for one message to a worker: the last chunk may exceed it. */
const TRANSACTIONS_MAX = 32;

/** Batches that wait for workers; each gets its turn, so that a long one does not hold up others. */
export class CheckQueue {
  readonly #batches: Batch[] = [];
  readonly #workerCount: number;

  constructor(workerCount: number) {
    this.#workerCount = workerCount;
  }

  /** Lets a batch wait for its turns. */
  add(batch: Batch): void {
    if (batch.hasMore) this.#batches.push(batch);
  }

  /**
   * What one worker does next: a chunk of each of the batches whose turn it is, of as many as are
   * this worker's share. Looks at a bounded number of transactions; null when no batch has more.
   */
  next(): Round | null {
    const tasks: Task[] = [];
    const share = Math.min(Math.ceil(this.#batches.length / this.#workerCount), TASKS_MAX);
    let transactionCount = 0;
    while (tasks.length < share && transactionCount < TRANSACTIONS_MAX) {
      const batch = this.#batches.shift();
      if (batch === undefined) break;
      if (!batch.hasMore) continue; // it turned out to be malformed meanwhile
      const chunk = batch.take();
      this.add(batch);
      if (chunk === null) return { tasks, idle: batch };
      tasks.push({ batch, chunk });
      transactionCount += chunk.indexes.length;
    }
    return tasks.length > 0 ? { tasks, idle: null } : null;
  }
}
