/** Runs nets for {@linkcode runKinds} on a processor core of its own. */

import { parentPort } from "node:worker_threads";
import { type KindList, type KindOutcome, KINDS } from "./kinds.ts";

/** A net to run: one of a list of kinds, by its place. */
export interface Job {
  readonly list: KindList;
  readonly kind: number;
  readonly seed: number;
}

/** What came of it. */
export type JobResult = { readonly outcome: KindOutcome } | { readonly failure: string };

async function run({ list, kind, seed }: Job): Promise<JobResult> {
  try {
    const outcome = await KINDS[list][kind]?.run(seed);
    if (outcome === undefined) throw new Error("There is no such kind");
    const { heightInChaos, recoveryMs } = outcome;
    return { outcome: { heightInChaos, recoveryMs } };
  } catch (error) {
    return { failure: String(error) };
  }
}

parentPort?.on("message", async (job: Job) => parentPort?.postMessage(await run(job)));
parentPort?.postMessage("listening");
