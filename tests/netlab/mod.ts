/**
 * A network laboratory: nodes in Linux network namespaces of their own, and links between them with
 * delay, loss, reordering and a rate. Each node has one TUN device; a thread of the test carries
 * the packets, since not every kernel has `netem`.
 *
 * @module
 */

import { exists } from "../../shared/files/mod.ts";
import { startWorker, type WorkerLink, workerUrl } from "../../shared/workers/mod.ts";
import { addressOf } from "./addresses.ts";
import { Control, type PacketCounts } from "./control.ts";
import type { EmulatorOptions } from "./emulator_worker.ts";
import { LibC, type TunDevice } from "./libc.ts";
import type { LinkQuality } from "./link.ts";
import {
  addNamespace,
  ip,
  namespaceName,
  namespacePath,
  removeLeftovers,
  removeNamespace,
} from "./namespaces.ts";
import type { WindowOptions } from "./window_worker.ts";

export type { LinkQuality } from "./link.ts";
export type { PacketCounts } from "./control.ts";

/** What a laboratory is like. */
export interface LabOptions {
  /** Number of nodes, at most 254. */
  readonly nodes: number;
  /** All links are alike. */
  readonly link: LinkQuality;
  /** Decides which packets are lost and overtaken. */
  readonly seed: number;
}

/** A program and its arguments. */
export type CommandLine = readonly [program: string, ...args: string[]];

const DEVICE = "lab0";

let labs = 0;

/** What {@linkcode labObstacle} looks for: bits of capabilities(7), and places of `ip`. */
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
const IP_PATHS = ["/usr/sbin/ip", "/usr/bin/ip", "/sbin/ip", "/bin/ip"];

/** Why there can be no laboratory here; null when there can. */
export function labObstacle(): string | null {
  if (Deno.build.os !== "linux") return "it needs Linux";
  const [, capabilities = "0"] = /^CapEff:\s*([0-9a-f]+)$/m
    .exec(Deno.readTextFileSync("/proc/self/status")) ?? [];
  const isAble = (bit: bigint) => (BigInt(`0x${capabilities}`) >> bit & 1n) === 1n;
  if (!isAble(CAP_NET_ADMIN) || !isAble(CAP_SYS_ADMIN)) return "it needs root";
  if (!exists("/dev/net/tun")) return "it needs /dev/net/tun";
  return IP_PATHS.some(exists) ? null : "it needs iproute2";
}

/** Registers a test that needs a laboratory; where there can be none, its name says why. */
export function labTest(name: string, run: () => Promise<void>): void {
  const obstacle = labObstacle();
  const reason = obstacle === null ? "" : ` (ignored: ${obstacle})`;
  Deno.test({ name: name + reason, ignore: obstacle !== null, fn: run });
}

/** Opens a laboratory; nothing of it is left when it is disposed of. */
export async function openLab(options: LabOptions): Promise<Lab> {
  await removeLeftovers();
  const lab = new Lab(options);
  try {
    await lab.open();
    return lab;
  } catch (cause) {
    await lab[Symbol.asyncDispose]();
    throw cause;
  }
}

/** Nodes that reach each other over bad links; see {@linkcode openLab}. */
export class Lab implements AsyncDisposable {
  readonly #options: LabOptions;
  readonly #libc = new LibC();
  readonly #control: Control;
  readonly #names: string[] = [];
  readonly #tuns: TunDevice[] = [];
  readonly #windows: WorkerLink<WindowOptions, readonly number[]>[] = [];
  readonly #number = labs++;
  /** One for each program that was started. */
  readonly #ends: Promise<unknown>[] = [];
  #emulator: WorkerLink<EmulatorOptions, void> | null = null;
  #stopped: Promise<void> = Promise.resolve();

  constructor(options: LabOptions) {
    this.#options = options;
    this.#control = new Control(options.nodes);
  }

  /** Called once, by {@linkcode openLab}. */
  async open(): Promise<void> {
    const { nodes, link: quality, seed } = this.#options;
    for (let node = 0; node < nodes; node++) await this.#addNode(node);
    const handles = this.#tuns.map(({ handle }) => handle);
    const { memory } = this.#control;
    this.#emulator = startWorker(workerUrl("emulator_worker", import.meta.url));
    this.#stopped = this.#emulator.call({ handles, quality, seed, memory });
  }

  async #addNode(node: number): Promise<void> {
    const name = namespaceName(this.#number, node);
    await addNamespace(name);
    this.#names.push(name);
    const tun = this.#libc.openTun();
    this.#tuns.push(tun);
    await ip("link", "set", tun.name, "netns", name);
    await ip("-n", name, "link", "set", tun.name, "name", DEVICE);
    await ip("-n", name, "address", "add", `${addressOf(node)}/24`, "dev", DEVICE);
    await ip("-n", name, "link", "set", DEVICE, "up");
  }

  /** IPv4 address of a node. */
  address(node: number): string {
    return addressOf(node);
  }

  /** Starts a program in the namespace of a node; disposal of the laboratory kills it. */
  spawn(
    node: number,
    [program, ...args]: CommandLine,
    options: Omit<Deno.CommandOptions, "args"> = {},
  ): Deno.ChildProcess {
    const child = this.#command(node, [program, ...args], options).spawn();
    this.#ends.push(child.status);
    return child;
  }

  /** Runs a program in the namespace of a node to its end; it must succeed. Gives its stdout. */
  async run(node: number, command: CommandLine): Promise<string> {
    const { success, stdout, stderr } = await this.#command(node, command, { stdin: "null" })
      .output();
    const text = new TextDecoder().decode(stdout);
    if (success) return text;
    const reason = text + new TextDecoder().decode(stderr);
    throw new Error(`Cannot run "${command.join(" ")}" at node ${node}: it says "${reason}"`);
  }

  #command(node: number, command: CommandLine, options: Deno.CommandOptions): Deno.Command {
    return new Deno.Command("ip", {
      ...options,
      args: ["netns", "exec", this.#name(node), ...command],
    });
  }

  /** Makes ports at 127.0.0.1 of a node reachable from here; gives the ports here, in order. */
  async openWindow(node: number, ports: readonly number[]): Promise<readonly number[]> {
    const url = workerUrl("window_worker", import.meta.url);
    const window = startWorker<WindowOptions, readonly number[]>(url);
    this.#windows.push(window);
    return await window.call({ namespace: namespacePath(this.#name(node)), ports });
  }

  /** Lets nothing pass between two nodes; what is under way still arrives. */
  cut(one: number, other: number): void {
    this.#control.setCut(one, other, true);
    this.#control.setCut(other, one, true);
  }

  /** Makes all links whole. */
  heal(): void {
    for (const from of this.#names.keys()) {
      for (const to of this.#names.keys()) this.#control.setCut(from, to, false);
    }
  }

  /** Packets so far; the difference was lost, or is under way. */
  counts(): PacketCounts {
    return this.#control.counts();
  }

  #name(node: number): string {
    const name = this.#names[node];
    if (name === undefined) throw new RangeError(`The laboratory has no node ${node}`);
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#control.stop();
    await this.#stopped;
    this.#emulator?.terminate();
    for (const window of this.#windows) window.terminate();
    for (const { handle } of this.#tuns) this.#libc.close(handle);
    for (const name of this.#names) await removeNamespace(name);
    await Promise.all(this.#ends);
    this.#libc[Symbol.dispose]();
  }
}
