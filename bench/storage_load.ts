/** Callers that wait for their answers, and how long that takes. */

import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { type CpuUse, cpuUse } from "./storage_processes.ts";

/** What so many callers reached together. */
export interface Measured {
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the server for one call, in µs; NaN without a process. */
  readonly cpu: CpuUse;
}

/** How to measure. */
export interface LoadOptions {
  readonly callers: number;
  readonly durationMs: number;
  /** The process whose CPU is counted. */
  readonly pid?: number;
}

/** Calls without a break; every call gets a serial number of its own. */
export async function measureLoad(
  call: (serial: number) => Promise<unknown>,
  { callers, durationMs, pid }: LoadOptions,
): Promise<Measured> {
  const latencies: number[] = [];
  let serial = 0;
  const read = () => pid === undefined ? { all: NaN, mainThread: NaN } : cpuUse(pid);
  const before = read();
  const startMs = SYSTEM_CLOCK.monotonicMs();
  const caller = async () => {
    let beforeMs = SYSTEM_CLOCK.monotonicMs();
    while (beforeMs - startMs < durationMs) {
      await call(serial++);
      const afterMs = SYSTEM_CLOCK.monotonicMs();
      latencies.push(afterMs - beforeMs);
      beforeMs = afterMs;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (SYSTEM_CLOCK.monotonicMs() - startMs) / 1000;
  const after = read();
  latencies.sort((left, right) => left - right);
  const quantile = (share: number) => latencies[Math.floor(latencies.length * share)] ?? NaN;
  return {
    callsPerSecond: latencies.length / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpu: {
      all: (after.all - before.all) / latencies.length,
      mainThread: (after.mainThread - before.mainThread) / latencies.length,
    },
  };
}

/** The middle one of several figures. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
