/** The command line of `chain.ts`. */

import { parseArgs } from "node:util";
import type { SuiteName } from "../shared/crypto/mod.ts";
import { readCount } from "../tests/run_options.ts";

/** What is measured. */
export const SCENARIOS = ["load", "big-block", "pending"] as const;

/** One of {@linkcode SCENARIOS}. */
export type Scenario = (typeof SCENARIOS)[number];

/** A run as the user wishes it; null where each scenario has a default of its own. */
export interface Options {
  readonly scenario: Scenario;
  readonly crypto: SuiteName;
  readonly nodes: number | null;
  readonly transactions: number | null;
  /** Callers that wait for an answer at the same time. */
  readonly concurrency: number;
  readonly connections: number;
  /** Largest number of transactions of a block. */
  readonly packageLimit: number | null;
}

/** Reads the command line; throws an error that says what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: "string", default: "load" },
      crypto: { type: "string", default: "sm" },
      nodes: text,
      transactions: text,
      concurrency: { type: "string", default: "500" },
      connections: { type: "string", default: "8" },
      "package-limit": text,
    },
  });
  const scenario = oneOf("--scenario", SCENARIOS, values.scenario);
  const crypto = oneOf("--crypto", ["sm", "eth"] as const, values.crypto);
  const optional = (name: string, value: string | undefined) =>
    value === undefined ? null : readCount(name, value);
  return {
    scenario,
    crypto,
    nodes: optional("--nodes", values.nodes),
    transactions: optional("--transactions", values.transactions),
    concurrency: readCount("--concurrency", values.concurrency),
    connections: readCount("--connections", values.connections),
    packageLimit: optional("--package-limit", values["package-limit"]),
  };
}

function oneOf<Word extends string>(name: string, words: readonly Word[], given: string): Word {
  const found = words.find((word) => word === given);
  if (found !== undefined) return found;
  throw new Error(`Cannot use ${name}: it must be ${words.join(" or ")}, got "${given}"`);
}
