import type { DevNode, Role } from "./chain.ts";
import type { ProcessId } from "./processes.ts";

/** What a node's folder remembers of a process that devnet started. */
export interface PidRecord extends ProcessId {
  /** Set before devnet stops it, so that its end is no surprise to anyone who watches. */
  readonly isStopping: boolean;
}

function pathOf(node: DevNode, role: Role): string {
  return `${node.path}/run/${role}.pid`;
}

/** The process of a role, running or not; null when devnet has stopped it or never started it. */
export function readPid(node: DevNode, role: Role): PidRecord | null {
  const path = pathOf(node, role);
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const found = /^(\d+) (\d+)( stopping)?\n$/.exec(text);
  if (found === null) {
    throw new Error(`Cannot use "${path}": it must be a process id and its start, got "${text}"`);
  }
  const [, pid = "", startTicks = "", stopping] = found;
  return { pid: Number(pid), startTicks, isStopping: stopping !== undefined };
}

/** Remembers a process. */
export function writePid(node: DevNode, role: Role, record: PidRecord): void {
  const path = pathOf(node, role);
  Deno.mkdirSync(`${node.path}/run`, { recursive: true });
  const { pid, startTicks, isStopping } = record;
  Deno.writeTextFileSync(`${path}.part`, `${pid} ${startTicks}${isStopping ? " stopping" : ""}\n`);
  Deno.renameSync(`${path}.part`, path);
}

/** Forgets a process. */
export function removePid(node: DevNode, role: Role): void {
  try {
    Deno.removeSync(pathOf(node, role));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
