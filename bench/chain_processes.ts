/** What the services of a chain use of the machine. */

import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
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

const IDLE_INTERVAL_MS = 1_000;

/** Below this part of a core a service does nothing but its regular chores. */
const IDLE_LOAD = 0.05;

/** Resolves when the services of a role have nothing left to do. */
export async function untilIdle(services: readonly Service[], role: string): Promise<void> {
  const pids = services.filter((service) => service.role === role).map(({ pid }) => pid);
  let isIdle = false;
  while (!isIdle) {
    const before = pids.map(cpuSeconds);
    await SYSTEM_CLOCK.sleep(IDLE_INTERVAL_MS);
    const secondsMax = IDLE_LOAD * IDLE_INTERVAL_MS / 1_000;
    isIdle = pids.every((pid, index) => cpuSeconds(pid) - (before[index] ?? 0) <= secondsMax);
  }
}

/** Stops the services of a role where they are, and gives a function that lets them go on. */
export function pause(services: readonly Service[], role: string): () => void {
  const pids = services.filter((service) => service.role === role).map(({ pid }) => pid);
  for (const pid of pids) Deno.kill(pid, "SIGSTOP");
  return () => {
    for (const pid of pids) Deno.kill(pid, "SIGCONT");
  };
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
