import { type DevChain, readChain } from "./chain.ts";
import { type ChainWish, checkSupported, checkWish, createChain } from "./create.ts";
import { ChainMonitor } from "./monitor.ts";
import {
  checkExecutables,
  checkPorts,
  type ControlDeps,
  runningProcesses,
  startNode,
  stopNodes,
} from "./node_control.ts";
import type { Screen } from "./screen.ts";

/** What `up` is asked to do. */
export interface UpOptions {
  readonly dir: string;
  readonly wish: ChainWish;
  /** Leaves the processes running and returns once blocks come. */
  readonly isDetached: boolean;
}

/** What `up` works with. */
export interface UpDeps {
  readonly binPath: string;
  readonly clock: ControlDeps["clock"];
  readonly screen: Screen;
  /** Aborted when everything shall be stopped. */
  readonly signal: AbortSignal;
}

/**
 * Starts a chain, making it first where there is none, and shows it until it is told to stop.
 * However it ends, no process is left running, except by a detached start that came to blocks.
 *
 * @returns the exit code: 1 when the processes ended by themselves
 */
export async function up(options: UpOptions, deps: UpDeps): Promise<number> {
  const { binPath, clock, screen, signal } = deps;
  const control = { binPath, clock, say: (line: string) => screen.say(line) };
  checkExecutables(binPath);
  const existing = readChain(options.dir);
  if (existing !== null) checkExisting(existing, options.wish);
  const chain = existing ?? await createNew(options, control);
  checkPorts(chain.nodes);
  let isLeftRunning = false;
  try {
    if (existing !== null) control.say(`starting the chain in ${chain.dir} again`);
    for (const node of chain.nodes) startNode(node, control);
    using monitor = new ChainMonitor(chain, deps);
    await monitor.waitForBlocks(existing === null ? 0n : null);
    if (signal.aborted) return 0;
    for (const line of howToTalk(chain, binPath)) control.say(line);
    isLeftRunning = options.isDetached;
    return isLeftRunning ? 0 : await monitor.watch();
  } finally {
    if (!isLeftRunning) await stopAll(chain, deps);
  }
}

function checkExisting(chain: DevChain, wish: ChainWish): void {
  checkSupported("start", chain);
  checkWish(chain, wish);
  const running = runningProcesses(chain.nodes);
  if (running.length === 0) return;
  throw new Error(
    `Cannot start the chain in "${chain.dir}": ${running.length} of its processes run already; ` +
      `see "devnet status", or stop them with "devnet down"`,
  );
}

function createNew({ dir, wish }: UpOptions, control: ControlDeps): Promise<DevChain> {
  const cloudConfig = `${control.binPath}/cloud-config`;
  return createChain(dir, wish, { cloudConfig, say: control.say });
}

async function stopAll(chain: DevChain, { clock, screen }: UpDeps): Promise<void> {
  const say = (line: string) => screen.say(line);
  screen.show([]);
  say("stopping everything");
  const count = await stopNodes(chain.nodes, { clock, say, isKill: false });
  say(`stopped ${count} processes`);
}

/** The command lines that a user needs next. */
export function howToTalk({ dir, crypto, nodes }: DevChain, binPath: string): string[] {
  const [node] = nodes;
  if (node === undefined) return [];
  const { controller, executor } = node.ports;
  const type = crypto === "eth" ? " --crypto ETH" : "";
  const bin = binPath.replace(`${Deno.cwd()}/`, "");
  const cldi = `${bin}/cldi -r localhost:${controller} -e localhost:${executor}${type}`;
  const devnet = `${bin}/devnet`;
  return [
    "talk to node 0 (node i: ports + 1000*i):",
    `  ${cldi} get block-number`,
    `  ${cldi} account generate --name user`,
    "look at it, and stop it:",
    `  ${devnet} status --dir ${dir}`,
    `  ${devnet} logs --dir ${dir} 0 controller`,
    ...Object.values(node.metricsPorts).map((port) => `  curl localhost:${port}/metrics`),
    `  ${devnet} down --dir ${dir}`,
  ];
}
