import process from "node:process";

/**
 * Processor time that this process has used with all its threads, in milliseconds. On a machine
 * that does other work too it tells what an operation costs; a clock tells how long it took.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Code is compiled and tables are built before the time counts. */
const WARM_UP_RUNS = 20;

/** Runs between two looks at the time take that long: a look costs as much as a hash. */
const BLOCK_MS = 2;

/** Runs per second of processor time, as `openssl speed` counts; nothing else may run meanwhile. */
export function processorRate(run: () => void, durationMs: number): number {
  for (let i = 0; i < WARM_UP_RUNS; i++) run();
  const startMs = processorMs();
  let runs = 0;
  let blockRuns = 1;
  let elapsedMs = 0;
  while (elapsedMs < durationMs) {
    for (let i = 0; i < blockRuns; i++) run();
    runs += blockRuns;
    const blockMs = processorMs() - startMs - elapsedMs;
    elapsedMs += blockMs;
    if (blockMs < BLOCK_MS) blockRuns *= 2;
  }
  return runs * 1000 / elapsedMs;
}
