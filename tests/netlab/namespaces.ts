/** Network namespaces of laboratories, by `ip netns`. */

import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import {
  identify,
  isRunning,
  type ProcessId,
  signal,
  waitForEnd,
} from "../../tools/devnet/processes.ts";

/** Names say which process made them, so that what a killed one left behind is found. */
const NAME = /^netlab-(\d+)-(\d+)-\d+-\d+$/;

/** How long a killed process may take to end. */
const END_TIMEOUT_MS = 5_000;

/** Name of a namespace of this process. */
export function namespaceName(lab: number, node: number): string {
  const { pid, startTicks } = identify(Deno.pid);
  return `netlab-${pid}-${startTicks}-${lab}-${node}`;
}

/** Path of the file that stands for a namespace. */
export function namespacePath(name: string): string {
  return `/run/netns/${name}`;
}

/** Runs `ip`, which must succeed; gives what it prints. */
export async function ip(...args: readonly string[]): Promise<string> {
  const command = new Deno.Command("ip", { args: [...args], stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  if (success) return new TextDecoder().decode(stdout);
  const reason = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot run "ip ${args.join(" ")}": it says "${reason}"`);
}

/** Makes a namespace in which 127.0.0.1 works. */
export async function addNamespace(name: string): Promise<void> {
  await ip("netns", "add", name);
  await ip("-n", name, "link", "set", "lo", "up");
}

/** Kills the processes of a namespace and removes it. */
export async function removeNamespace(name: string): Promise<void> {
  const pids = (await ip("netns", "pids", name)).split("\n").filter((line) => line !== "");
  const processes = pids.map((pid) => identify(Number(pid)));
  for (const process of processes) signal(process, "SIGKILL");
  await waitForEnd(processes, { clock: SYSTEM_CLOCK, deadlineMs: END_TIMEOUT_MS });
  await ip("netns", "del", name);
}

/** Removes the namespaces of processes that have ended without doing so. */
export async function removeLeftovers(): Promise<void> {
  const lines = (await ip("netns", "list")).split("\n");
  for (const [name = ""] of lines.map((line) => line.split(" "))) {
    const [, pid, startTicks] = NAME.exec(name) ?? [];
    if (pid === undefined || startTicks === undefined) continue;
    const maker: ProcessId = { pid: Number(pid), startTicks };
    // another laboratory may remove the same one at the same time
    if (!isRunning(maker)) await removeNamespace(name).catch(() => {});
  }
}
