/** Memory of other processes, as Linux counts it. */

/** Bytes that a process holds in memory now. */
export function residentBytes(pid: number): number {
  return readStatus(pid, "VmRSS");
}

/** The most that a process has held in memory so far. */
export function peakResidentBytes(pid: number): number {
  return readStatus(pid, "VmHWM");
}

function readStatus(pid: number, field: string): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0; // it has ended
    throw error;
  }
}
