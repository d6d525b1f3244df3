import type { Clock } from "../../shared/clock/mod.ts";

/** A process of this machine; the start time tells it from a later one with the same id. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks after the machine's start, as the kernel counts them. */
  readonly startTicks: string;
}

/** State letter and start time of a process, from the text of `/proc/<pid>/stat`. */
export function parseStat(text: string): { state: string; startTicks: string } {
  // the name of the program stands in parentheses and may hold blanks and parentheses itself
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTicks: fields[19] ?? "" };
}

function readProc(pid: number, file: string): string | null {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Error && error.message.includes("os error 3")) return null; // it ended
    throw error;
  }
}

/** The id of a process that was just started. */
export function identify(pid: number): ProcessId {
  const text = readProc(pid, "stat");
  return { pid, startTicks: text === null ? "0" : parseStat(text).startTicks };
}

/** Whether the process runs; one that ended but was not collected by its parent does not. */
export function isRunning({ pid, startTicks }: ProcessId): boolean {
  const text = readProc(pid, "stat");
  if (text === null) return false;
  const stat = parseStat(text);
  return stat.startTicks === startTicks && stat.state !== "Z" && stat.state !== "X";
}

/** Memory of a running process in KiB; 0 when it has ended. */
export function rssKib(pid: number): number {
  const status = readProc(pid, "status") ?? "";
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}

/** Sends a signal to a process that may have ended. */
export function signal(id: ProcessId, name: Deno.Signal): void {
  if (!isRunning(id)) return;
  try {
    Deno.kill(id.pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

const POLL_INTERVAL_MS = 50;

/** Waits until all processes have ended; gives those that still run at the deadline. */
export async function waitForEnd(
  ids: readonly ProcessId[],
  { clock, deadlineMs }: { readonly clock: Clock; readonly deadlineMs: number },
): Promise<ProcessId[]> {
  const endMs = clock.monotonicMs() + deadlineMs;
  for (;;) {
    const running = ids.filter(isRunning);
    if (running.length === 0 || clock.monotonicMs() >= endMs) return running;
    await clock.sleep(POLL_INTERVAL_MS);
  }
}

/** How to start a process that outlives this one. */
export interface SpawnOptions {
  readonly executable: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Gets what the process writes to stderr, behind what is there already. */
  readonly errorFile: string;
}

/**
 * Starts a process in a session of its own, so that neither the end of the terminal nor Ctrl-C
 * reaches it. Its stdout is dropped: services write the same lines to their log files.
 */
export function spawnDetached(options: SpawnOptions): Deno.ChildProcess {
  const { executable, args, cwd, errorFile } = options;
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", 'file="$1"; shift; exec "$@" 2>>"$file"', "sh", errorFile, executable, ...args],
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  return child;
}
