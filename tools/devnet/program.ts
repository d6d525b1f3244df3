import {
  Argument,
  createProgram,
  ExitError,
  InvalidArgumentError,
  Option,
  type Output,
  type Program,
  runProgram,
  unsignedInteger,
} from "../../shared/cli/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import { type DevChain, readChain, type Role, ROLES } from "./chain.ts";
import { addNode, DEFAULT_BASE_PORT } from "./create.ts";
import { showLogs } from "./logs.ts";
import { renderStatus } from "./monitor.ts";
import {
  checkExecutables,
  checkPorts,
  nodeAt,
  runningProcesses,
  startNode,
  stopNodes,
} from "./node_control.ts";
import { Screen, type Terminal } from "./screen.ts";
import { StatusReader, toJson } from "./status.ts";
import { up } from "./up.ts";

/** What the program works with. */
export interface DevnetDeps {
  readonly clock: Clock;
  readonly output: Output;
  /** Set when stdout is a terminal: the state is drawn in place then. */
  readonly terminal: Terminal | null;
  /** Folder of the executables of the services and of cloud-config. */
  readonly binPath: string;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

const DEFAULT_DIR = "data/devnet";
const U16_MAX = 65535;
const FAILURE_EXIT_CODE = 1;

interface DirFlags {
  readonly dir: string;
}

interface UpFlags extends DirFlags {
  readonly nodes?: number;
  readonly crypto?: string;
  readonly consensus?: string;
  readonly network?: string;
  readonly basePort?: number;
  readonly admin?: string;
  readonly blockInterval?: number;
  readonly detach: boolean;
}

/** Runs one command line of the tool; gives its exit code. */
export async function runDevnet(argv: readonly string[], deps: DevnetDeps): Promise<number> {
  const program = createProgram({
    name: "devnet",
    about: "Makes and runs a chain whose nodes are all on this machine",
    versionText: "devnet 6.3.3",
    output: deps.output,
  });
  addUp(program, deps);
  addStatus(program, deps);
  addDown(program, deps);
  addLogs(program, deps);
  addNodeCommands(program, deps);
  addAddNode(program, deps);
  try {
    return await runProgram(program, argv);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    deps.output.err(`Error: ${error.message}\n`);
    return FAILURE_EXIT_CODE;
  }
}

function command(program: Program, name: string, about: string): Program {
  return program.command(name).description(about)
    .option("--dir <DIR>", "folder of the chain", DEFAULT_DIR);
}

function nodeCount(text: string): number {
  const count = unsignedInteger(U16_MAX)(text);
  if (count === 0) throw new InvalidArgumentError("a chain needs at least one node");
  return count;
}

function seconds(text: string): number {
  const count = unsignedInteger(U16_MAX)(text);
  if (count === 0) throw new InvalidArgumentError("it must be at least one second");
  return count;
}

function addressText(text: string): string {
  const [, address] = /^(?:0x)?([0-9a-fA-F]{40})$/.exec(text) ?? [];
  if (address === undefined) throw new InvalidArgumentError("it must be 20 bytes in hex");
  return address.toLowerCase();
}

function addUp(program: Program, deps: DevnetDeps): void {
  const text = "start the chain, making it first where there is none; Ctrl-C stops everything";
  command(program, "up", text)
    .option("--nodes <N>", "number of nodes of a new chain, 4 unless given", nodeCount)
    .addOption(choice("--crypto <NAME>", "signatures and hashes", ["sm", "eth"]))
    .addOption(choice("--consensus <NAME>", "consensus", ["bft", "raft"]))
    .addOption(choice("--network <NAME>", "connections between nodes", ["p2p", "tls", "quic"]))
    .option(
      "--base-port <PORT>",
      `node i of a new chain has the ports PORT + 1000*i and up, ${DEFAULT_BASE_PORT} unless given`,
      unsignedInteger(U16_MAX),
    )
    .option("--admin <ADDRESS>", "who may govern a new chain, an account of cldi", addressText)
    .option("--block-interval <SECONDS>", "of a new chain, 3 unless given", seconds)
    .option("--detach", "return once blocks come, and leave the chain running", false)
    .action(async ({ dir, detach, ...wish }: UpFlags) => {
      const screen = new Screen(deps.output, deps.terminal);
      const exitCode = await up({ dir, wish, isDetached: detach }, { ...deps, screen });
      if (exitCode !== 0) throw new ExitError(exitCode);
    });
}

function choice(flags: string, what: string, choices: string[]): Option {
  return new Option(flags, `${what} of a new chain, ${choices[0]} unless given`).choices(choices);
}

function addStatus(program: Program, deps: DevnetDeps): void {
  command(program, "status", "show the nodes, their processes and their last block")
    .option("--json", "print JSON for programs", false)
    .action(async ({ dir, json }: DirFlags & { json: boolean }) => {
      const chain = chainIn(dir);
      using reader = new StatusReader(chain);
      const statuses = await reader.read();
      const text = json
        ? JSON.stringify(toJson(chain, statuses), null, 2)
        : renderStatus(chain, statuses).join("\n");
      deps.output.out(`${text}\n`);
    });
}

function addDown(program: Program, deps: DevnetDeps): void {
  command(program, "down", "stop all processes; the chain stays and can be started again")
    .action(async ({ dir }: DirFlags) => {
      const count = await stopNodes(chainIn(dir).nodes, { ...control(deps), isKill: false });
      deps.output.out(count === 0 ? "nothing was running\n" : `stopped ${count} processes\n`);
    });
}

function addLogs(program: Program, deps: DevnetDeps): void {
  command(program, "logs", "print the last lines that a node's services have logged")
    .argument("<NODE>", "number of the node", unsignedInteger(U16_MAX))
    .addArgument(new Argument("[ROLE]", "service, all of them unless given").choices(ROLES))
    .option("-f, --follow", "go on with new lines until Ctrl-C", false)
    .action(
      async (index: number, role: Role | undefined, flags: DirFlags & { follow: boolean }) => {
        const node = nodeAt(chainIn(flags.dir), index);
        const { clock, output, signal } = deps;
        const options = { node, role, isFollowing: flags.follow };
        await showLogs(options, { clock, signal, write: (text) => output.out(text) });
      },
    );
}

function addNodeCommands(program: Program, deps: DevnetDeps): void {
  command(program, "stop-node", "stop the processes of one node")
    .argument("<NODE>", "number of the node", unsignedInteger(U16_MAX))
    .option("--kill", "end them at once with SIGKILL, as a power failure would", false)
    .action(async (index: number, flags: DirFlags & { kill: boolean }) => {
      const node = nodeAt(chainIn(flags.dir), index);
      const count = await stopNodes([node], { ...control(deps), isKill: flags.kill });
      deps.output.out(`node ${index}: stopped ${count} processes\n`);
    });

  command(program, "start-node", "start those processes of one node that do not run")
    .argument("<NODE>", "number of the node", unsignedInteger(U16_MAX))
    .action((index: number, { dir }: DirFlags) => {
      const node = nodeAt(chainIn(dir), index);
      checkExecutables(deps.binPath);
      if (runningProcesses([node]).length === 0) checkPorts([node]);
      startNode(node, control(deps));
    });
}

function addAddNode(program: Program, deps: DevnetDeps): void {
  const text = "make one more node, no validator, and start it if the chain runs";
  command(program, "add-node", text).action(async ({ dir }: DirFlags) => {
    const before = chainIn(dir);
    checkExecutables(deps.binPath);
    const { say } = control(deps);
    const cloudConfig = `${deps.binPath}/cloud-config`;
    const { chain, address } = await addNode(before, { cloudConfig, say });
    const node = nodeAt(chain, before.nodes.length);
    say(`node ${node.index}: added with address 0x${address}, no validator`);
    if (runningProcesses(before.nodes).length === 0) return;
    checkPorts([node]);
    startNode(node, control(deps));
  });
}

function control({ binPath, clock, output }: DevnetDeps) {
  return { binPath, clock, say: (line: string) => output.out(`${line}\n`) };
}

function chainIn(dir: string): DevChain {
  const chain = readChain(dir);
  if (chain !== null) return chain;
  throw new Error(`Cannot find a chain in "${dir}": "devnet up --dir ${dir}" makes one`);
}
