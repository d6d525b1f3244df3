/** A chain of executables in a temporary folder. */

import { RPCServiceService as ControllerService } from "../proto/gen/controller.ts";
import { connect, type RpcClient } from "../shared/rpc/mod.ts";
import type { SuiteName } from "../shared/crypto/mod.ts";
import { findBasePort, PORTS_PER_NODE } from "../tests/free_ports.ts";
import { succeed } from "../tests/e2e/executables.ts";
import type { Service } from "./chain_processes.ts";

/** The user interface of a node. */
export type Controller = RpcClient<typeof ControllerService>;

/** How to make a chain. */
export interface NetOptions {
  readonly nodes: number;
  readonly crypto: SuiteName;
  /** `package_limit` of every node; its default when null. */
  readonly packageLimit: number | null;
}

const CONTROLLER_PORT_OFFSET = 4;

/** A running chain; disposal stops it and removes its folder. */
export class Net implements AsyncDisposable {
  readonly controllers: readonly Controller[];

  private constructor(
    readonly folder: string,
    readonly options: NetOptions,
    readonly basePort: number,
  ) {
    this.controllers = this.controllerPorts.map((port) => connect(ControllerService, { port }));
  }

  /** Makes a chain and waits for its first block. */
  static async start(options: NetOptions): Promise<Net> {
    const { nodes, crypto, packageLimit } = options;
    const folder = await Deno.makeTempDir({ prefix: "bench-chain-" });
    const net = new Net(folder, options, findBasePort(nodes));
    try {
      console.log(`starting a chain of ${nodes} node(s), ${crypto}`);
      if (packageLimit !== null) await net.#create(packageLimit);
      await net.#devnet(
        "up",
        ...["--nodes", String(nodes), "--crypto", crypto],
        ...["--base-port", String(net.basePort), "--detach"],
      );
      return net;
    } catch (error) {
      await net[Symbol.asyncDispose]();
      throw error;
    }
  }

  get controllerPorts(): number[] {
    return Array.from(
      { length: this.options.nodes },
      (_, node) => this.basePort + PORTS_PER_NODE * node + CONTROLLER_PORT_OFFSET,
    );
  }

  /** The first node. */
  get first(): Controller {
    const [first] = this.controllers;
    if (first === undefined) throw new RangeError("A chain needs a node");
    return first;
  }

  /** Every process of every node. */
  async services(): Promise<Service[]> {
    const { nodes } = JSON.parse(await this.#devnet("status", "--json"));
    return nodes.flatMap((status: { processes: Omit<Service, "node">[] }, node: number) =>
      status.processes.map(({ role, pid }) => ({ node, role, pid }))
    );
  }

  #devnet(command: string, ...args: readonly string[]): Promise<string> {
    return succeed("devnet", [command, "--dir", this.folder, ...args]);
  }

  /** Makes the chain that `devnet up` will start, with another limit. */
  async #create(packageLimit: number): Promise<void> {
    const { nodes, crypto } = this.options;
    await succeed("cloud-config", [
      "create-dev",
      ...["--config-dir", this.folder, "--peers-count", String(nodes), "--is-bft"],
      ...["--base-port", String(this.basePort), ...(crypto === "eth" ? ["--is-eth"] : [])],
    ]);
    for await (const { name } of Deno.readDir(this.folder)) {
      const path = `${this.folder}/${name}/config.toml`;
      const config = await readIfThere(path);
      if (config === null) continue;
      const limited = config.replace(/^package_limit = .*$/m, `package_limit = ${packageLimit}`);
      await Deno.writeTextFile(path, limited);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const controller of this.controllers) controller.close();
    await this.#devnet("down").catch(() => {}); // nothing to stop when there is no chain yet
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
