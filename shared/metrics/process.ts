import process from "node:process";
import type { Clock, Timer } from "../clock/mod.ts";
import type { Histogram, Metrics } from "./metrics.ts";

/** How often the delay of the event loop is measured. */
const LAG_PERIOD_MS = 500;

const LAG_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Adds CPU time and memory of this process. */
export function addProcessMetrics(metrics: Metrics, clock: Clock): void {
  const startSeconds = clock.nowMs() / 1_000;
  metrics.counter({
    name: "process_cpu_seconds_total",
    help: "CPU time of the process, of all its threads",
    read() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  });
  metrics.gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process that is in RAM",
    read: () => process.memoryUsage.rss(),
  });
  metrics.gauge({
    name: "process_heap_bytes",
    help: "Memory of JavaScript objects of the main thread, and of what they hold outside the heap",
    read() {
      const { heapUsed, external } = Deno.memoryUsage();
      return heapUsed + external;
    },
  });
  metrics.gauge({
    name: "process_start_time_seconds",
    help: "When the process started, in seconds since the Unix epoch",
    read: () => startSeconds,
  });
}

/** Measures by how much the event loop is late: while it is, nothing is answered. */
export class EventLoopWatch {
  readonly #clock: Clock;
  readonly #lag: Histogram;
  #timer: Timer | null = null;

  constructor(metrics: Metrics, clock: Clock) {
    this.#clock = clock;
    this.#lag = metrics.histogram({
      name: "process_event_loop_lag_seconds",
      help: "How late a timer fired that was set every half second",
      buckets: LAG_BUCKETS_SECONDS,
    });
    this.#schedule();
  }

  #schedule(): void {
    const dueMs = this.#clock.monotonicMs() + LAG_PERIOD_MS;
    this.#timer = this.#clock.setTimer(LAG_PERIOD_MS, () => {
      this.#lag.observe(Math.max(0, this.#clock.monotonicMs() - dueMs) / 1_000);
      this.#schedule();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
