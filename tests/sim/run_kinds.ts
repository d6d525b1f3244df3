import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { showProgress } from "../progress.ts";
import { type KindList, KINDS } from "./kinds.ts";
import type { Job, JobResult } from "./kind_worker.ts";

/** Seeds to run every kind of a list with. */
export interface KindRun {
  readonly list: KindList;
  readonly first: number;
  readonly count: number;
}

/** Runs nets on all processor cores and tells how they fared; gives the number that failed. */
export async function runKinds(run: KindRun): Promise<number> {
  const workers = Array.from({ length: navigator.hardwareConcurrency }, () => new NetWorker());
  let failures = 0;
  for (const kind of KINDS[run.list].keys()) failures += await runKind(run, kind, workers);
  await Promise.all(workers.map((worker) => worker.stop()));
  return failures;
}

async function runKind(
  { list, first, count }: KindRun,
  kind: number,
  workers: readonly NetWorker[],
): Promise<number> {
  const name = KINDS[list][kind]?.name;
  const progress = showProgress();
  let next = first;
  let failures = 0;
  let blocks = 0n;
  let longestMs = 0;
  const take = (seed: number, result: JobResult) => {
    if ("outcome" in result) {
      blocks += result.outcome.heightInChaos;
      longestMs = Math.max(longestMs, result.outcome.recoveryMs);
      return;
    }
    failures++;
    progress.end();
    console.error(`${name}: make ${list} SEED=${seed} SEEDS=1 fails: ${result.failure}`);
  };
  await Promise.all(workers.map(async (worker) => {
    while (next < first + count) {
      const seed = next++;
      take(seed, await worker.run({ list, kind, seed }));
      progress.show(`${name}: ${next - first} of ${count} nets, ${failures} failed`);
    }
  }));
  progress.end();
  console.log(
    `${name}: ${count} nets from seed ${first} on, ${failures} failed, ${blocks} blocks in chaos, ` +
      `at most ${Math.round(longestMs / 1_000)} s until all was well again`,
  );
  return failures;
}

/** A processor core that runs one net at a time. */
class NetWorker {
  readonly #worker = new Worker(new URL("kind_worker.ts", import.meta.url));
  /** Its first message says that it listens: what is sent before may be lost. */
  readonly #isReady = once(this.#worker, "message");

  async run(job: Job): Promise<JobResult> {
    await this.#isReady;
    this.#worker.postMessage(job);
    const [result] = await once(this.#worker, "message");
    return result;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
