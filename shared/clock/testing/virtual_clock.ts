import type { Clock, Timer } from "../mod.ts";

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that stands still until a test moves it. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #jumpedMs = 0;
  readonly #timers = new Set<PendingTimer>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs + this.#jumpedMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Sets the clock of the machine, which timers and durations take no notice of. */
  jump(byMs: number): void {
    this.#jumpedMs += byMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, order: this.#order++, fire };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const timer = this.setTimer(delayMs, finish);
      signal?.addEventListener("abort", finish, { once: true });
    });
  }

  /** Lets everything that waits for nothing but other promises come to an end. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await nextTask();
  }

  /** Moves on by a time, timer by timer. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    await this.settle();
    for (let next = this.#next(endMs); next !== null; next = this.#next(endMs)) {
      this.#nowMs = next.dueMs;
      this.#timers.delete(next);
      next.fire();
      await this.settle();
    }
    this.#nowMs = endMs;
  }

  /** Moves on until the condition holds; false when the time is over before. */
  async advanceUntil(condition: () => boolean, byMs: number): Promise<boolean> {
    const endMs = this.#nowMs + byMs;
    await this.settle();
    while (!condition()) {
      const next = this.#next(endMs);
      if (next === null) return false;
      this.#nowMs = next.dueMs;
      this.#timers.delete(next);
      next.fire();
      await this.settle();
    }
    return true;
  }

  #next(endMs: number): PendingTimer | null {
    let first: PendingTimer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (
        first === null || timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      ) first = timer;
    }
    return first;
  }
}

/** Resolves after the promises that are ready now; far quicker than a timer. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      port2.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
