import { type Random, seededRandom } from "../../shared/clock/mod.ts";

/** Randomness of a seed. */
export class Dice {
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** Whether something of this probability happens now. */
  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  /** A number of the range, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  /** One of some items. */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new RangeError("There is nothing to pick from");
    return item;
  }
}
