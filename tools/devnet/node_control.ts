import type { Clock } from "../../shared/clock/mod.ts";
import { exists } from "../../shared/files/mod.ts";
import { type DevChain, type DevNode, portsOf, type Role, ROLES } from "./chain.ts";
import { type PidRecord, readPid, removePid, writePid } from "./pid_file.ts";
import { identify, isRunning, signal, spawnDetached, waitForEnd } from "./processes.ts";

/** A service finishes what it has begun within this time, see shared/service. */
const STOP_DEADLINE_MS = 15_000;

/** What controls the processes of a chain. */
export interface ControlDeps {
  /** Folder of the executables. */
  readonly binPath: string;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/** A process of a node. */
export interface NodeProcess {
  readonly node: DevNode;
  readonly role: Role;
  readonly record: PidRecord;
}

/** Where a role's stderr goes: what it says before it can write a log. */
export function errorFileOf(node: DevNode, role: Role): string {
  return `${node.path}/logs/${role}-stderr.log`;
}

/** The processes of these nodes that run now. */
export function runningProcesses(nodes: readonly DevNode[]): NodeProcess[] {
  const running: NodeProcess[] = [];
  for (const node of nodes) {
    for (const role of ROLES) {
      const record = readPid(node, role);
      if (record !== null && isRunning(record)) running.push({ node, role, record });
    }
  }
  return running;
}

/** Throws unless every executable of a node is there. */
export function checkExecutables(binPath: string): void {
  for (const role of ROLES) {
    if (exists(`${binPath}/${role}`)) continue;
    throw new Error(`Cannot find the executable "${binPath}/${role}": "make build" makes it`);
  }
}

/** Throws when another program uses a port of these nodes. */
export function checkPorts(nodes: readonly DevNode[]): void {
  for (const node of nodes) {
    for (const [use, port] of portsOf(node)) {
      try {
        Deno.listen({ hostname: "0.0.0.0", port }).close();
      } catch (cause) {
        const reason = cause instanceof Deno.errors.AddrInUse
          ? "it is in use by another program"
          : String(cause);
        throw new Error(`Cannot use port ${port} (node ${node.index}, ${use}): ${reason}`, {
          cause,
        });
      }
    }
  }
}

/** Starts those services of a node that do not run. */
export function startNode(node: DevNode, { binPath, say }: ControlDeps): void {
  const running = new Set(runningProcesses([node]).map(({ role }) => role));
  Deno.mkdirSync(`${node.path}/logs`, { recursive: true });
  const started: string[] = [];
  for (const role of ROLES) {
    if (running.has(role)) continue;
    const child = spawnDetached({
      executable: Deno.realPathSync(`${binPath}/${role}`),
      args: ["run", "-c", "config.toml", ...logFlags(node, role)],
      cwd: node.path,
      errorFile: Deno.realPathSync(`${node.path}/logs`) + `/${role}-stderr.log`,
    });
    writePid(node, role, { ...identify(child.pid), isStopping: false });
    started.push(`${role} ${child.pid}`);
  }
  const what = started.length === 0 ? "runs already" : `started ${started.join(", ")}`;
  say(`node ${node.index}: ${what}`);
}

/** A raft node logs as its table says: it has no file for that. */
function logFlags({ path }: DevNode, role: Role): string[] {
  const name = `${role}-log4rs.yaml`;
  return exists(`${path}/${name}`) ? ["-l", name] : [];
}

/** Stops all processes of these nodes; gives how many ran. */
export async function stopNodes(
  nodes: readonly DevNode[],
  { clock, say, isKill }: Omit<ControlDeps, "binPath"> & { readonly isKill: boolean },
): Promise<number> {
  const running = runningProcesses(nodes);
  for (const { node, role, record } of running) {
    writePid(node, role, { ...record, isStopping: true });
  }
  for (const { record } of running) signal(record, isKill ? "SIGKILL" : "SIGTERM");
  const records = running.map(({ record }) => record);
  const late = await waitForEnd(records, { clock, deadlineMs: STOP_DEADLINE_MS });
  for (const record of late) {
    const process = running.find(({ record: { pid } }) => pid === record.pid);
    say(
      `node ${process?.node.index}: ${process?.role} (pid ${record.pid}) did not stop within ` +
        `${STOP_DEADLINE_MS / 1000} s: killing it`,
    );
    signal(record, "SIGKILL");
  }
  await waitForEnd(late, { clock, deadlineMs: STOP_DEADLINE_MS });
  for (const node of nodes) for (const role of ROLES) removePid(node, role);
  return running.length;
}

/** The node with this number; throws when there is none. */
export function nodeAt(chain: DevChain, index: number): DevNode {
  const node = chain.nodes[index];
  if (node !== undefined) return node;
  throw new Error(
    `Cannot find node ${index} in "${chain.dir}": it must be in 0..${chain.nodes.length - 1}`,
  );
}
