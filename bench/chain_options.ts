/** The command line of `chain.ts` and `blocks.ts`. */

import { parseArgs } from "node:util";
import type { SuiteName } from "../shared/crypto/mod.ts";
import { readCount } from "../tests/run_options.ts";

/** A run as the user wishes it; null where there is a default for each number of nodes. */
export interface Options {
  readonly crypto: SuiteName;
  readonly nodes: number | null;
  readonly transactions: number | null;
  /** Callers that wait for an answer at the same time. */
  readonly concurrency: number;
  readonly connections: number;
  /** Largest number of transactions of a block. */
  readonly packageLimit: number | null;
  /** Of `blocks.ts`. */
  readonly scenario: Scenario | null;
}

/** What `blocks.ts` measures. */
export type Scenario = "big" | "pending";

/** Reads the command line; throws an error that says what is wrong with it. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      crypto: { type: "string", default: "sm" },
      nodes: text,
      transactions: text,
      concurrency: { type: "string", default: "500" },
      connections: { type: "string", default: "8" },
      "package-limit": text,
      scenario: text,
    },
  });
  const { crypto, scenario = null } = values;
  if (crypto !== "sm" && crypto !== "eth") {
    throw new Error(`Cannot use --crypto: it must be sm or eth, got "${crypto}"`);
  }
  if (scenario !== null && scenario !== "big" && scenario !== "pending") {
    throw new Error(`Cannot use --scenario: it must be big or pending, got "${scenario}"`);
  }
  const optional = (name: string, value: string | undefined) =>
    value === undefined ? null : readCount(name, value);
  return {
    crypto,
    nodes: optional("--nodes", values.nodes),
    transactions: optional("--transactions", values.transactions),
    concurrency: readCount("--concurrency", values.concurrency),
    connections: readCount("--connections", values.connections),
    packageLimit: optional("--package-limit", values["package-limit"]),
    scenario,
  };
}
