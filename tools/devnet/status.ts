import { type DevChain, type DevNode, portsOf, type Role, ROLES } from "./chain.ts";
import { readPid } from "./pid_file.ts";
import { isRunning, rssKib } from "./processes.ts";
import { type ChainTip, Probe } from "./probe.ts";

/** One service of a node. */
export interface ProcessStatus {
  readonly role: Role;
  /** Of the last process that devnet started; null after devnet has stopped it. */
  readonly pid: number | null;
  readonly isRunning: boolean;
  readonly rssKib: number;
}

/** One node. */
export interface NodeStatus {
  readonly node: DevNode;
  readonly processes: readonly ProcessStatus[];
  /** Null when the controller does not answer. */
  readonly tip: ChainTip | null;
}

/** Asks the nodes of a chain; keeps its connections until it is closed. */
export class StatusReader implements Disposable {
  readonly #chain: DevChain;
  readonly #probes: readonly Probe[];

  constructor(chain: DevChain) {
    this.#chain = chain;
    this.#probes = chain.nodes.map((node) =>
      new Probe({
        controller: node.ports.controller,
        metrics: node.metricsPorts.controller ?? null,
      })
    );
  }

  /** The state of every node, in their order. */
  read(): Promise<NodeStatus[]> {
    return Promise.all(this.#chain.nodes.map(async (node) => {
      const processes = ROLES.map((role) => processStatus(node, role));
      const isControllerUp = processes.some((process) =>
        process.role === "controller" && process.isRunning
      );
      // without this check another program on that port would be taken for the node
      const tip = isControllerUp ? await this.#probes[node.index]?.tip() ?? null : null;
      return { node, processes, tip };
    }));
  }

  [Symbol.dispose](): void {
    for (const probe of this.#probes) probe.close();
  }
}

function processStatus(node: DevNode, role: Role): ProcessStatus {
  const record = readPid(node, role);
  if (record === null) return { role, pid: null, isRunning: false, rssKib: 0 };
  const running = isRunning(record);
  return { role, pid: record.pid, isRunning: running, rssKib: running ? rssKib(record.pid) : 0 };
}

/** Memory of all services of a node. */
export function nodeRssKib({ processes }: NodeStatus): number {
  return processes.reduce((sum, process) => sum + process.rssKib, 0);
}

/** What a node does, in a word or two. */
export function describeState({ processes, tip }: NodeStatus): string {
  const missing = processes.filter((process) => !process.isRunning);
  if (missing.length === 0) {
    const stall = tip?.stall ?? "none";
    return stall === "none" ? "running" : `running, no blocks: ${stall}`;
  }
  if (missing.every(({ pid }) => pid === null) && missing.length === processes.length) {
    return "stopped";
  }
  return missing.map(({ role, pid }) => `${role} ${pid === null ? "stopped" : "died"}`).join(", ");
}

/** The chain for programs: see README.md for the fields. */
export function toJson(chain: DevChain, statuses: readonly NodeStatus[]): unknown {
  const { dir, name, crypto, consensus, network } = chain;
  return {
    dir,
    chain: name,
    crypto,
    consensus,
    network,
    nodes: statuses.map((status) => {
      const { node, processes, tip } = status;
      return {
        node: node.index,
        dir: node.path,
        running: processes.every((process) => process.isRunning),
        height: tip === null ? null : Number(tip.height),
        hash: tip?.hash ?? null,
        round: tip === null || tip.round === null ? null : Number(tip.round),
        peers: tip === null ? null : Number(tip.peers),
        txs: tip?.txs ?? null,
        stall: tip?.stall ?? null,
        rss_kib: nodeRssKib(status),
        ports: Object.fromEntries(portsOf(node)),
        processes: processes.map((process) => ({
          role: process.role,
          pid: process.pid,
          running: process.isRunning,
          rss_kib: process.rssKib,
        })),
      };
    }),
  };
}
