import { Dice } from "../dice.ts";
import type { RaftPlan } from "./plans.ts";

/** Everything that happens to a group: with it, a run is repeated exactly. */
export interface RaftScript extends RaftPlan {
  /** Draws the troubles. */
  readonly seed: number;
  /** With the seed it draws everything else: delays, losses, what a crash loses. */
  readonly luck: number;
  /** All is well again when so many proposals are committed. */
  readonly heights: number;
  /** Troubles that come, each a name and a number; null for all that the seed leads to. */
  readonly troubles: readonly string[] | null;
}

/**
 * Draws the troubles of a script. What one is like depends on its name and number alone, so the
 * others stay what they are when it is left out.
 */
export class Troubles {
  /** Those that came. */
  readonly came: string[] = [];
  readonly #seed: number;
  readonly #kept: ReadonlySet<string> | null;
  readonly #counts = new Map<string, number>();

  constructor({ seed, troubles }: RaftScript) {
    this.#seed = seed;
    this.#kept = troubles === null ? null : new Set(troubles);
  }

  /** What the next one of a name is like; null when it does not come. */
  next(name: string, probability = 1): Dice | null {
    const number = this.#counts.get(name) ?? 0;
    this.#counts.set(name, number + 1);
    const trouble = `${name} ${number}`;
    const dice = new Dice(seedOf(this.#seed, trouble));
    const isDrawn = dice.chance(probability);
    const comes = this.#kept === null ? isDrawn : this.#kept.has(trouble);
    if (comes) this.came.push(trouble);
    return comes ? dice : null;
  }
}

function seedOf(seed: number, trouble: string): number {
  return [...trouble].reduce(
    (mixed, letter) => Math.imul(mixed ^ letter.charCodeAt(0), 0x0100_0193),
    seed,
  );
}
