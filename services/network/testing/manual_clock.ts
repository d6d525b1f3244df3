import type { Clock, Timer } from "../../../shared/clock/mod.ts";

interface PendingTimer {
  readonly dueMs: number;
  readonly fire: () => void;
}

/** A clock that only moves when a test says so. */
export class ManualClock implements Clock {
  readonly #timers = new Set<PendingTimer>();
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, fire };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.setTimer(delayMs, resolve);
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Moves the time and fires what becomes due, in its order. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let next = this.#next(endMs); next !== null; next = this.#next(endMs)) {
      this.#nowMs = next.dueMs;
      this.#timers.delete(next);
      next.fire();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): PendingTimer | null {
    let first: PendingTimer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (first === null || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }
}
