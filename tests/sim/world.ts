import { type Random, seededRandom } from "../../shared/clock/mod.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Virtual time and all randomness of a simulation: what happens depends on the seed alone, and
 * waiting costs nothing.
 */
export class World {
  readonly random: Random;
  nowMs = 0;
  readonly #events: Event[] = [];
  #count = 0;

  constructor(readonly seed: number) {
    this.random = seededRandom(seed);
  }

  /** Runs something later; of two at the same time the one scheduled first comes first. */
  schedule(delayMs: number, run: () => void): void {
    const events = this.#events;
    events.push({ atMs: this.nowMs + delayMs, order: this.#count++, run });
    for (let child = events.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!isBefore(events, child, parent)) break;
      swap(events, child, parent);
      child = parent;
    }
  }

  /** Lets time pass until a condition holds; false when it does not before the end. */
  runUntil(isDone: () => boolean, endMs: number): boolean {
    while (!isDone()) {
      const event = this.#next(endMs);
      if (event === null) {
        this.nowMs = endMs;
        return isDone();
      }
      this.nowMs = event.atMs;
      event.run();
    }
    return true;
  }

  /** Whether something of this probability happens now. */
  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  /** A number of the range, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.random() * (max - min + 1));
  }

  #next(endMs: number): Event | null {
    const events = this.#events;
    const [first] = events;
    const last = events.at(-1);
    if (first === undefined || last === undefined || first.atMs > endMs) return null;
    events[0] = last;
    events.pop();
    for (let parent = 0;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < events.length && isBefore(events, child, least)) least = child;
      }
      if (least === parent) return first;
      swap(events, parent, least);
      parent = least;
    }
  }
}

function isBefore(events: readonly Event[], left: number, right: number): boolean {
  const a = events[left];
  const b = events[right];
  if (a === undefined || b === undefined) return false;
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function swap(events: Event[], left: number, right: number): void {
  const a = events[left];
  const b = events[right];
  if (a === undefined || b === undefined) return;
  events[left] = b;
  events[right] = a;
}
