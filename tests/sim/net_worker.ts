/** Runs nets for {@linkcode runNets} on a processor core of its own. */

import { parentPort } from "node:worker_threads";
import { type KindList, type KindOutcome, KINDS } from "./kinds.ts";
import { MISTAKES } from "./mistakes.ts";

/** A net to run: of a kind or with a mistake, by its place in the list of them. */
export interface Job {
  readonly list: KindList | "mistakes";
  readonly index: number;
  readonly seed: number;
}

/** What came of it. */
export type JobResult =
  | { readonly outcome: KindOutcome }
  | { readonly failure: string }
  /** Whether the mistake was noticed. */
  | { readonly isFound: boolean };

async function run({ list, index, seed }: Job): Promise<JobResult> {
  try {
    if (list === "mistakes") return { isFound: at(MISTAKES, index).isFound(seed) };
    const { heightInChaos, recoveryMs } = await at(KINDS[list], index).run(seed);
    return { outcome: { heightInChaos, recoveryMs } };
  } catch (error) {
    return { failure: String(error) };
  }
}

function at<Item>(list: readonly Item[], index: number): Item {
  const item = list[index];
  if (item === undefined) throw new Error(`There is no number ${index}`);
  return item;
}

parentPort?.on("message", async (job: Job) => parentPort?.postMessage(await run(job)));
parentPort?.postMessage("listening");
