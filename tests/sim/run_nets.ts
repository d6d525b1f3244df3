import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Job, JobResult } from "./net_worker.ts";

/** Nets of successive seeds. */
export interface NetRun extends Omit<Job, "seed"> {
  readonly first: number;
  readonly count: number;
}

/** Takes what came of the net of a seed; seeds come in about their order. */
export type TakeResult = (seed: number, result: JobResult) => void;

/** Runs nets on all processor cores. */
export async function runNets({ first, count, ...net }: NetRun, take: TakeResult): Promise<void> {
  const workerCount = Math.min(navigator.hardwareConcurrency, count);
  let next = first;
  await Promise.all(
    Array.from({ length: workerCount }, async () => {
      const worker = new Worker(new URL("net_worker.ts", import.meta.url));
      // its first message says that it listens: what is sent before may be lost
      await once(worker, "message");
      while (next < first + count) {
        const seed = next++;
        worker.postMessage({ ...net, seed } satisfies Job);
        const [result] = await once(worker, "message");
        take(seed, result);
      }
      await worker.terminate();
    }),
  );
}
