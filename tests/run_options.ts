/** What a long run is started with by hand. */

import { SYSTEM_RANDOM } from "../shared/clock/mod.ts";

/**
 * Reads a count; one that is no number must not become a run of nothing that finds nothing.
 *
 * @throws {Error} naming the option when it is not a whole number of 1 or more
 */
export function readCount(name: string, text: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(text)) return Number(text);
  throw new Error(`Cannot use ${name}: it must be 1 or more, got "${text}"`);
}

/** A count from an environment variable. */
export function countFromEnv(name: string, fallback: number): number {
  return readCount(name, Deno.env.get(name) ?? String(fallback));
}

/** The seed of the variable `SEED`, another one for each run when it is not set. */
export function seedFromEnv(): number {
  const given = Deno.env.get("SEED") ?? "";
  return given === "" ? Math.floor(SYSTEM_RANDOM() * 2 ** 32) : readCount("SEED", given);
}
