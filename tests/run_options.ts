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

/**
 * Those of a list whose names contain a text, with their places.
 *
 * @throws {Error} when there is none: a run of nothing would find nothing
 */
export function pickByName<Item extends { readonly name: string }>(
  items: readonly Item[],
  text: string,
): readonly (readonly [index: number, item: Item])[] {
  const picked = [...items.entries()].filter(([, { name }]) => name.includes(text));
  if (picked.length > 0) return picked;
  const names = items.map(({ name }) => `"${name}"`).join(", ");
  throw new Error(`Cannot use KIND: it must be part of ${names}, got "${text}"`);
}

/** As {@linkcode pickByName} by the variable `KIND`; all when it is not set. */
export function pickByEnv<Item extends { readonly name: string }>(items: readonly Item[]) {
  return pickByName(items, Deno.env.get("KIND") ?? "");
}
