import { setImmediate } from "node:timers";
import { Dice } from "./dice.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Virtual time and all randomness of a simulation: what happens depends on the seed alone, and
 * waiting costs nothing.
 */
export class World extends Dice {
  nowMs = 0;
  readonly #events: Event[] = [];
  #count = 0;

  constructor(readonly seed: number) {
    super(seed);
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
    while (!isDone()) if (!this.#runNext(endMs)) return isDone();
    return true;
  }

  /**
   * As {@linkcode World.runUntil}, for a world of promises: all that follows from an event without
   * waiting for time has happened before the next event.
   */
  async runUntilSettled(isDone: () => boolean, endMs: number): Promise<boolean> {
    await settled();
    while (!isDone()) {
      if (!this.#runNext(endMs)) return isDone();
      await settled();
    }
    return true;
  }

  /** Runs the next event; false when none is due before the end, which is reached then. */
  #runNext(endMs: number): boolean {
    const event = this.#next(endMs);
    this.nowMs = event?.atMs ?? endMs;
    event?.run();
    return event !== null;
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

/** Resolves once no promise has anything left to do. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
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
