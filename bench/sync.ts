/**
 * How fast a fresh node catches up with a chain: `BLOCKS=10000 TXS=10 CRYPTO=sm sync.ts`.
 *
 * All services of both nodes are the executables. The baseline is the rate at which executor and
 * storage of one node took the same blocks, one after the other, with nobody checking anything.
 *
 * @module
 */

import { RPCServiceService as ControllerService } from "../proto/gen/controller.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { connect } from "../shared/rpc/mod.ts";
import { type DevChain, readChain } from "../tools/devnet/chain.ts";
import { succeed } from "../tests/e2e/executables.ts";
import { findBasePort } from "../tests/free_ports.ts";
import { peakResidentBytes } from "../tests/memory.ts";
import { showProgress } from "../tests/progress.ts";
import { countFromEnv } from "../tests/run_options.ts";
import { type CpuReading, cpuSeconds, readCpu, type Service } from "./chain_processes.ts";
import { NodeProcesses, ROLES } from "./node_processes.ts";
import { type ChainShape, makeChain } from "./sync_chain.ts";
import { type Figure, printFigures } from "./table.ts";

const POLL_INTERVAL_MS = 50;
const SYNC_TIMEOUT_MS = 1_800_000;

/** Writes the files of a chain with one validator and one node that is none. */
async function createChain(folder: string, { crypto }: ChainShape): Promise<DevChain> {
  const basePort = String(findBasePort(2));
  await succeed("cloud-config", [
    ...["create-dev", "--config-dir", folder, "--peers-count", "1", "--is-bft"],
    ...["--base-port", basePort, ...(crypto === "eth" ? ["--is-eth"] : [])],
  ]);
  await succeed("cloud-config", ["append-dev", "--config-dir", folder, "--base-port", basePort]);
  const chain = readChain(folder);
  if (chain === null) throw new Error(`There is no chain in ${folder}`);
  return chain;
}

/** Waits until a node is at a height; gives the time from its first block to that one. */
async function followSync(port: number, blocks: number): Promise<number> {
  const controller = connect(ControllerService, { port });
  const progress = showProgress();
  const giveUpMs = SYSTEM_CLOCK.monotonicMs() + SYNC_TIMEOUT_MS;
  const heightNow = async () => {
    const { blockNumber } = await controller.getBlockNumber({ flag: false });
    return Number(blockNumber);
  };
  try {
    let firstMs: number | null = null;
    while (true) {
      const height = await heightNow().catch(() => 0); // it is not there yet
      const nowMs = SYSTEM_CLOCK.monotonicMs();
      progress.show(`synchronising: ${height} of ${blocks} blocks`);
      if (height > 0) firstMs ??= nowMs;
      if (height >= blocks) return nowMs - (firstMs ?? nowMs);
      if (nowMs > giveUpMs) throw new Error(`The node did not get beyond height ${height}`);
      await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
    }
  } finally {
    progress.end();
    controller.close();
  }
}

/** CPU of each service since a reading, for a block. */
function cpuFigures(services: readonly Service[], since: CpuReading, blocks: number): Figure[] {
  return services.map(({ role, node, pid }) => ({
    name: `CPU of ${role}, ${NODE_NAMES[node]}, for a block`,
    value: (cpuSeconds(pid) - (since.get(pid) ?? 0)) / blocks * 1e6,
    unit: "µs",
  }));
}

const NODE_NAMES = ["serving node", "fresh node"];

function memoryFigures(services: readonly Service[]): Figure[] {
  return services.filter(({ node, role }) => node === 1 || role === "controller")
    .map(({ role, node, pid }) => ({
      name: `peak memory of ${role}, ${NODE_NAMES[node]}`,
      value: peakResidentBytes(pid) / 2 ** 20,
      unit: "MiB",
    }));
}

async function bench(shape: ChainShape): Promise<void> {
  const { blocks, transactions, crypto } = shape;
  const folder = await Deno.makeTempDir({ prefix: "bench-sync-" });
  try {
    const [first, second] = (await createChain(folder, shape)).nodes;
    if (first === undefined || second === undefined) throw new Error("The chain has two nodes");
    await using serving = new NodeProcesses(first);
    const baseline = await makeChain(serving, shape);
    await using fresh = new NodeProcesses(second);
    const before = readCpu(serving.services);
    fresh.start(ROLES);
    const services = [...serving.services, ...fresh.services];
    const rate = blocks / await followSync(second.ports.controller, blocks) * 1_000;
    printFigures(`sync of ${blocks} blocks of ${transactions} transactions, ${crypto}`, [
      {
        name: "baseline: executor and storage alone",
        value: baseline,
        unit: "blocks/s",
        ratio: 1,
      },
      { name: "synchronised", value: rate, unit: "blocks/s", ratio: rate / baseline },
      { name: "its transactions", value: rate * transactions, unit: "tx/s" },
      ...cpuFigures(services, before, blocks),
      ...memoryFigures(services),
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const crypto = Deno.env.get("CRYPTO") ?? "sm";
if (crypto !== "sm" && crypto !== "eth") {
  throw new Error(`Cannot use CRYPTO: it must be sm or eth, got "${crypto}"`);
}
await bench({
  crypto,
  blocks: countFromEnv("BLOCKS", 10_000),
  transactions: countFromEnv("TXS", 10),
});
