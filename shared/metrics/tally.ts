import type { Sample } from "./metrics.ts";

/** Counts by values of labels, which must come from a limited set. */
export class Tally {
  readonly #counts = new Map<string, { readonly values: readonly string[]; count: number }>();

  constructor(readonly labelNames: readonly string[]) {}

  /** Counts something; the values are in the order of the label names. */
  add(values: readonly string[], count = 1): void {
    const key = values.join("\n");
    const entry = this.#counts.get(key);
    if (entry === undefined) this.#counts.set(key, { values, count });
    else entry.count += count;
  }

  /** What was counted so far. */
  *samples(): Generator<Sample> {
    for (const { values, count } of this.#counts.values()) {
      const labels = Object.fromEntries(this.labelNames.map((name, i) => [name, values[i] ?? ""]));
      yield { labels, value: count };
    }
  }
}
