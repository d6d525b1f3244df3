/** What the services of a chain use of the machine. */

import { peakResidentBytes } from "../tests/memory.ts";
import type { Figure } from "./table.ts";

/** A process of a node. */
export interface Service {
  readonly node: number;
  readonly role: string;
  readonly pid: number;
}

/** Seconds of CPU used so far, by process id. */
export type CpuReading = ReadonlyMap<number, number>;

const CLOCK_TICKS_PER_SECOND = 100;

/** Seconds of CPU that a process has used, in all of its threads. */
export function cpuSeconds(pid: number | "self"): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // the name of the program stands in parentheses and may hold blanks
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** What every service has used so far. */
export function readCpu(services: readonly Service[]): CpuReading {
  return new Map(services.map(({ pid }) => [pid, cpuSeconds(pid)]));
}

/** CPU of each role since a reading, all nodes together; the largest first. */
export function cpuFigures(
  services: readonly Service[],
  since: CpuReading,
  transactionCount: number,
): Figure[] {
  const byRole = new Map<string, number>();
  for (const { role, pid } of services) {
    const used = cpuSeconds(pid) - (since.get(pid) ?? 0);
    byRole.set(role, (byRole.get(role) ?? 0) + used);
  }
  const sorted = [...byRole].sort(([, left], [, right]) => right - left);
  return sorted.flatMap(([role, seconds]) => [
    { name: `CPU of ${role}, all nodes`, value: seconds, unit: "s" },
    {
      name: `CPU of ${role} for a transaction`,
      value: seconds / transactionCount * 1e6,
      unit: "µs",
    },
  ]);
}

/** The most memory that each service of node 0 has held so far. */
export function memoryFigures(services: readonly Service[]): Figure[] {
  return services.filter(({ node }) => node === 0).map(({ role, pid }) => ({
    name: `peak memory of ${role}, node 0`,
    value: peakResidentBytes(pid) / 2 ** 20,
    unit: "MiB",
  }));
}
