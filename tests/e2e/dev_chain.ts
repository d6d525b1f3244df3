/** A chain of `devnet`, driven through its executables and its gRPC ports. */

import { RPCServiceService as ControllerService } from "../../proto/gen/controller.ts";
import { RPCServiceService as EvmService } from "../../proto/gen/evm.ts";
import { connect, type RpcClient } from "../../shared/rpc/mod.ts";
import { run, succeed } from "./executables.ts";
import { findBasePort, PORTS_PER_NODE } from "../free_ports.ts";
import { waitFor } from "./wait.ts";

/** How to create a chain. */
export interface DevChainOptions {
  readonly crypto: "sm" | "eth";
  readonly nodes: number;
  /** `bft` unless given. */
  readonly consensus?: "bft" | "raft";
  /** Seconds between blocks, 3 unless given. */
  readonly blockInterval?: number;
}

/** One node seen from outside. */
export interface NodeClients {
  readonly controller: RpcClient<typeof ControllerService>;
  readonly evm: RpcClient<typeof EvmService>;
}

/** The services of a node. */
export const ROLES = ["kms", "storage", "network", "executor", "consensus", "controller"] as const;

/** The name of a service and of its executable. */
export type Role = (typeof ROLES)[number];

const EXECUTOR_PORT_OFFSET = 2;
const CONTROLLER_PORT_OFFSET = 4;

const START_TIMEOUT_MS = 120_000;

/** A running chain in a folder of its own; disposal stops it and removes the folder. */
export class DevChain implements AsyncDisposable {
  readonly #clients: NodeClients[];

  private constructor(
    readonly options: DevChainOptions,
    readonly folder: string,
    readonly basePort: number,
  ) {
    this.#clients = Array.from({ length: options.nodes }, (_, node) => ({
      controller: connect(ControllerService, { port: this.port(node, CONTROLLER_PORT_OFFSET) }),
      evm: connect(EvmService, { port: this.port(node, EXECUTOR_PORT_OFFSET) }),
    }));
  }

  /** Creates a chain and waits until every node has block 1. */
  static async start(options: DevChainOptions): Promise<DevChain> {
    const folder = await Deno.makeTempDir({ prefix: `e2e-${options.crypto}-` });
    const chain = new DevChain(options, folder, findBasePort(options.nodes));
    try {
      await chain.#up();
      await chain.waitForHeight(1n, START_TIMEOUT_MS);
      return chain;
    } catch (cause) {
      const logs = await chain.lastLogLines();
      await chain[Symbol.asyncDispose]();
      throw new Error(`The chain does not start:\n${logs}`, { cause });
    }
  }

  /** Creates the chain and starts all nodes. */
  async #up(): Promise<void> {
    const { nodes, crypto, consensus = "bft", blockInterval } = this.options;
    await succeed("devnet", [
      "up",
      ...["--nodes", String(nodes), "--dir", this.folder],
      ...["--crypto", crypto, "--consensus", consensus],
      ...["--base-port", String(this.basePort), "--detach"],
      ...blockInterval === undefined ? [] : ["--block-interval", String(blockInterval)],
    ]);
  }

  /** SIGKILLs the six processes of a node. */
  async killNode(node: number): Promise<void> {
    await succeed("devnet", ["stop-node", String(node), "--kill", "--dir", this.folder]);
  }

  async startNode(node: number): Promise<void> {
    await succeed("devnet", ["start-node", String(node), "--dir", this.folder]);
  }

  /** Process ids of the services of a node that run. */
  async processIds(node: number): Promise<ReadonlyMap<Role, number>> {
    const status = JSON.parse(await succeed("devnet", ["status", "--json", "--dir", this.folder]));
    const processes: { role: Role; pid: number; running: boolean }[] = status.nodes[node].processes;
    return new Map(
      processes.filter(({ running }) => running).map(({ role, pid }) => [role, pid]),
    );
  }

  /** Folder of a node. */
  nodeFolder(node: number): string {
    return `${this.folder}/test-chain-${node}`;
  }

  /** Address of a node, in hex without `0x`. */
  address(node: number): string {
    const config = Deno.readTextFileSync(`${this.nodeFolder(node)}/config.toml`);
    const [, address] = /^node_address = '(?:0x)?([0-9a-f]{40})'/m.exec(config) ?? [];
    if (address === undefined) throw new Error(`The configuration of node ${node} has no address`);
    return address;
  }

  port(node: number, offset: number): number {
    return this.basePort + PORTS_PER_NODE * node + offset;
  }

  node(node: number): NodeClients {
    const clients = this.#clients[node];
    if (clients === undefined) throw new RangeError(`The chain has no node ${node}`);
    return clients;
  }

  /** Numbers of the nodes, all or all but some. */
  nodes(without: readonly number[] = []): number[] {
    return this.#clients.map((_, node) => node).filter((node) => !without.includes(node));
  }

  async height(node: number): Promise<bigint> {
    return (await this.node(node).controller.getBlockNumber({ flag: false })).blockNumber;
  }

  /** Waits until the given nodes, all by default, have a block. */
  async waitForHeight(height: bigint, timeoutMs: number, nodes = this.nodes()): Promise<void> {
    for (const node of nodes) {
      const what = `height ${height} of node ${node}`;
      const hasCome = async () => await this.height(node) >= height ? true : null;
      await waitFor(hasCome, { what, timeoutMs }).catch(async (cause) => {
        throw new Error(`There is no ${what}:\n${await this.lastLogLines()}`, { cause });
      });
    }
  }

  /** Waits until the given nodes, all by default, have some blocks more than any has now. */
  async waitForGrowth(blocks: bigint, timeoutMs: number, nodes = this.nodes()): Promise<void> {
    const heights = await Promise.all(nodes.map((node) => this.height(node).catch(() => 0n)));
    const highest = heights.reduce((high, height) => height > high ? height : high);
    await this.waitForHeight(highest + blocks, timeoutMs, nodes);
  }

  /** Runs `cldi` against a node, with a home folder inside the chain's. */
  cldi(node: number, ...args: string[]): Promise<string> {
    return succeed("cldi", [...this.#cldiTargets(node), ...args], { env: { HOME: this.folder } });
  }

  /** As {@linkcode cldi}, for commands that may fail. */
  tryCldi(node: number, ...args: string[]) {
    return run("cldi", [...this.#cldiTargets(node), ...args], { env: { HOME: this.folder } });
  }

  #cldiTargets(node: number): string[] {
    return [
      ...["-r", `127.0.0.1:${this.port(node, CONTROLLER_PORT_OFFSET)}`],
      ...["-e", `127.0.0.1:${this.port(node, EXECUTOR_PORT_OFFSET)}`],
      ...["--crypto", this.options.crypto.toUpperCase()],
    ];
  }

  /** The ends of the logs, for the message of a failed test. */
  async lastLogLines(): Promise<string> {
    const { stdout, stderr } = await run("devnet", ["logs", "--dir", this.folder]);
    return (stdout + stderr).split("\n").slice(-60).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { controller, evm } of this.#clients) {
      controller.close();
      evm.close();
    }
    await run("devnet", ["down", "--dir", this.folder]);
    await Deno.remove(this.folder, { recursive: true });
  }
}
