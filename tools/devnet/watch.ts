import { type DevNode, type Role, ROLES } from "./chain.ts";
import { errorFileOf } from "./node_control.ts";
import { readPid } from "./pid_file.ts";
import { isRunning } from "./processes.ts";

/** A process as one look at the pid files and the kernel shows it. */
export interface Sighting {
  readonly node: number;
  readonly role: Role;
  /** Null after devnet has stopped the process, or while it does. */
  readonly pid: number | null;
  readonly isRunning: boolean;
}

/** What happened to a process between two looks. */
export interface Change {
  readonly kind: "died" | "stopped" | "started";
  readonly node: number;
  readonly role: Role;
  /** Of the process that ended or started. */
  readonly pid: number;
}

/** Looks at every process of a chain. */
export function lookAt(nodes: readonly DevNode[]): Sighting[] {
  return nodes.flatMap((node) =>
    ROLES.map((role) => {
      const record = readPid(node, role);
      if (record === null) return { node: node.index, role, pid: null, isRunning: false };
      const pid = record.isStopping ? null : record.pid;
      return { node: node.index, role, pid, isRunning: isRunning(record) };
    })
  );
}

/** What happened between two looks at the same nodes; a restart is an end and a start. */
export function changesBetween(before: readonly Sighting[], after: readonly Sighting[]): Change[] {
  return before.flatMap((old, index) => {
    const now = after[index];
    if (now === undefined || (now.pid === old.pid && now.isRunning === old.isRunning)) return [];
    const changes: Change[] = [];
    const { node, role } = old;
    if (old.isRunning && old.pid !== null) {
      const kind = now.pid === old.pid ? "died" : "stopped";
      changes.push({ kind, node, role, pid: old.pid });
    }
    if (now.isRunning && now.pid !== null) {
      changes.push({ kind: "started", node, role, pid: now.pid });
    }
    return changes;
  });
}

/** One line per node and kind of change; a death says where to look and what to do. */
export function describeChanges(changes: readonly Change[], nodes: readonly DevNode[]): string[] {
  const lines: string[] = [];
  for (const node of nodes) {
    for (const kind of ["died", "stopped", "started"] as const) {
      const found = changes.filter((change) => change.node === node.index && change.kind === kind);
      if (found.length === 0) continue;
      const names = found.map(({ role, pid }) => `${role} (pid ${pid})`).join(", ");
      lines.push(`node ${node.index}: ${names} ${kind}`);
      if (kind !== "died") continue;
      for (const { role } of found) lines.push(...lastWords(node, role));
      lines.push(`node ${node.index}: "devnet start-node ${node.index}" starts it again`);
    }
  }
  return lines;
}

/** The last line of a role's stderr, if it left one, and where its log is. */
function lastWords(node: DevNode, role: Role): string[] {
  const lines = [`  its log: ${node.path}/logs/${role}-service.log`];
  try {
    const last = Deno.readTextFileSync(errorFileOf(node, role)).trimEnd().split("\n").at(-1);
    if (last !== undefined && last !== "") lines.unshift(`  ${role}: ${last}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return lines;
}
