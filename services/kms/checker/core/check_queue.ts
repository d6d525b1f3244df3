import type { Batch } from "./batch.ts";
import type { Chunk } from "./chunk.ts";

/** A chunk with the batch that it was taken from. */
export interface Task {
  readonly batch: Batch;
  /** Null when the part of the batch that was looked at needs no work. */
  readonly chunk: Chunk | null;
}

/** Batches that wait for workers; each gets its turn, so that a long one does not hold up others. */
export class CheckQueue {
  readonly #batches: Batch[] = [];

  /** Lets a batch wait for its turns. */
  add(batch: Batch): void {
    if (batch.hasMore) this.#batches.push(batch);
  }

  /** The next chunk of the batch whose turn it is; null when no batch has more. */
  next(): Task | null {
    for (;;) {
      const batch = this.#batches.shift();
      if (batch === undefined) return null;
      if (!batch.hasMore) continue; // it turned out to be irregular meanwhile
      const chunk = batch.take();
      this.add(batch);
      return { batch, chunk };
    }
  }
}
