/**
 * Threads for work that would hold up the thread that answers calls.
 *
 * ```ts
 * // sum_worker.ts: built into the executable because of its name
 * serveWorker((numbers: number[]) => Promise.resolve(numbers.reduce((a, b) => a + b, 0)));
 *
 * // beside it
 * const worker = startWorker<number[], number>(workerUrl("sum_worker", import.meta.url));
 * await worker.call([1, 2, 3]); // 6
 * worker.terminate();
 * ```
 *
 * @module
 */

export { startWorker, WorkerFault, type WorkerLink, workerUrl } from "./link.ts";
export { serveWorker } from "./serve.ts";
