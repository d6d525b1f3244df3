/** A chain whose nodes are in network namespaces of their own, with bad links between them. */

import { RPCServiceService as ControllerService } from "../../proto/gen/controller.ts";
import { RPCServiceService as EvmService } from "../../proto/gen/evm.ts";
import { connect } from "../../shared/rpc/mod.ts";
import type { DevChain as ChainFiles, DevNode } from "../../tools/devnet/chain.ts";
import { createChain } from "../../tools/devnet/create.ts";
import { readPid } from "../../tools/devnet/pid_file.ts";
import { isRunning } from "../../tools/devnet/processes.ts";
import { type Lab, type LinkQuality, openLab } from "../netlab/mod.ts";
import type { NodeClients } from "./dev_chain.ts";
import { executablePath, run } from "./executables.ts";
import { waitFor } from "./wait.ts";

/** What a chain in a laboratory is like. */
export interface LabChainOptions {
  readonly nodes: number;
  /** Further hosts in the same network, numbered behind the nodes; none unless given. */
  readonly strangers?: number;
  /** Flavour of the connections between nodes, a word of `devnet --network`. */
  readonly network: string;
  readonly link: LinkQuality;
  readonly seed: number;
}

const START_TIMEOUT_MS = 60_000;

/** A running chain; disposal stops it and removes its files and its laboratory. */
export class LabChain implements AsyncDisposable {
  readonly options = { crypto: "sm" } as const;
  readonly #clients: NodeClients[] = [];
  #nodes: readonly DevNode[] = [];

  private constructor(
    readonly lab: Lab,
    readonly folder: string,
  ) {}

  /** Makes a chain in a new laboratory and waits until every node has block 1. */
  static async start(options: LabChainOptions): Promise<LabChain> {
    const folder = await Deno.makeTempDir({ prefix: "e2e-lab-" });
    const { nodes, strangers = 0 } = options;
    const chain = new LabChain(await openLab({ ...options, nodes: nodes + strangers }), folder);
    try {
      await chain.#up(options);
      await chain.waitForHeight(1n, START_TIMEOUT_MS);
      return chain;
    } catch (cause) {
      const logs = await chain.#lastLogLines();
      await chain[Symbol.asyncDispose]();
      throw new Error(`The chain does not start:\n${logs}`, { cause });
    }
  }

  async #up({ nodes, network }: LabChainOptions): Promise<void> {
    const cloudConfig = executablePath("cloud-config");
    const files = await createChain(this.folder, { nodes, network, ...this.options }, {
      cloudConfig,
      say() {},
    });
    this.#nodes = files.nodes;
    for (const { index, path, ports } of files.nodes) {
      this.#useLabAddresses(`${path}/config.toml`, files);
      const devnet = executablePath("devnet");
      await this.lab.run(index, [devnet, "start-node", String(index), "--dir", this.folder]);
      const window = await this.lab.openWindow(index, [ports.controller, ports.executor]);
      const [controller = 0, evm = 0] = window;
      this.#clients.push({
        controller: connect(ControllerService, { port: controller }),
        evm: connect(EvmService, { port: evm }),
      });
    }
  }

  /** The nodes know each other as ports of one machine until now. */
  #useLabAddresses(path: string, { nodes }: ChainFiles): void {
    let config = Deno.readTextFileSync(path);
    for (const { index, listenPort } of nodes) {
      const address = this.lab.address(index);
      config = config
        .replace(`127.0.0.1/tcp/${listenPort}`, `${address}/tcp/${listenPort}`)
        .replace(
          `host = '127.0.0.1'\nport = ${listenPort}`,
          `host = '${address}'\nport = ${listenPort}`,
        );
    }
    Deno.writeTextFileSync(path, config);
  }

  node(node: number): NodeClients {
    const clients = this.#clients[node];
    if (clients === undefined) throw new RangeError(`The chain has no node ${node}`);
    return clients;
  }

  /** Where a node listens for other nodes, and the process that does. */
  network(node: number): { readonly port: number; readonly pid: number } {
    const files = this.#nodes[node];
    const record = files === undefined ? null : readPid(files, "network");
    if (files === undefined || record === null || !isRunning(record)) {
      throw new Error(`The network service of node ${node} does not run`);
    }
    return { port: files.listenPort, pid: record.pid };
  }

  async height(node: number): Promise<bigint> {
    return (await this.node(node).controller.getBlockNumber({ flag: false })).blockNumber;
  }

  /** Waits until the given nodes, all by default, have a block. */
  async waitForHeight(
    height: bigint,
    timeoutMs: number,
    nodes: Iterable<number> = this.#clients.keys(),
  ): Promise<void> {
    for (const node of nodes) {
      const hasCome = async () => await this.height(node) >= height ? true : null;
      await waitFor(hasCome, { what: `height ${height} of node ${node}`, timeoutMs });
    }
  }

  /** Milliseconds between the timestamps of blocks that follow each other. */
  async intervalsMs(first: bigint, last: bigint): Promise<number[]> {
    const timestamps: number[] = [];
    for (let blockNumber = first; blockNumber <= last; blockNumber++) {
      const { header } = await this.node(0).controller.getBlockByNumber({ blockNumber });
      timestamps.push(Number(header?.timestamp));
    }
    return timestamps.slice(1).map((timestamp, i) => timestamp - (timestamps[i] ?? 0));
  }

  async #lastLogLines(): Promise<string> {
    const { stdout } = await run("devnet", ["logs", "0", "network", "--dir", this.folder]);
    return stdout.split("\n").slice(-30).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { controller, evm } of this.#clients) {
      controller.close();
      evm.close();
    }
    await this.lab[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
