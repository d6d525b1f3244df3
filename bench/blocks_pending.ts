/** Blocks while many transactions wait for one. */

import { BlockFollower, blockTimesMs, type SeenBlock } from "./chain_blocks.ts";
import { Net } from "./chain_net.ts";
import type { Options } from "./chain_options.ts";
import { fillPools } from "./chain_pooling.ts";
import { cpuSeconds, memoryFigures, pause, type Service } from "./chain_processes.ts";
import { signTransactions } from "./chain_signing.ts";
import { type Figure, printFigures } from "./table.ts";

const TRANSACTIONS = 100_000;

/** So few that nearly all transactions go on waiting. */
const PACKAGE_LIMIT = 10;

/** Blocks of a measurement. */
const BLOCKS = 8;
const TIMEOUT_MS = 120_000;

/** Measures blocks with an empty pool and with a full one. */
export async function benchPending(options: Options, nodes: number): Promise<string> {
  const { crypto, packageLimit, transactions: count } = options;
  const waiting = count ?? TRANSACTIONS;
  await using net = await Net.start({
    nodes,
    crypto,
    packageLimit: packageLimit ?? PACKAGE_LIMIT,
  });
  const services = await net.services();
  const empty = await measure(net, services);
  const transactions = await signTransactions(net, waiting);
  const resume = pause(services, "consensus");
  try {
    await fillPools(net, services, transactions);
  } finally {
    resume();
  }
  const full = await measure(net, services);
  printFigures(`${nodes} node(s), ${crypto}, ${waiting} transactions wait`, [
    ...compare("block time, mean", empty.blockTimeMs, full.blockTimeMs),
    ...compare("block time, longest", empty.longestMs, full.longestMs),
    ...compare("proposed to stored, mean", empty.lagMs, full.lagMs),
    ...compare("CPU of the controllers for a block", empty.cpuMs, full.cpuMs),
    { name: "transactions of a block, mean", value: full.transactions, unit: "tx" },
    ...memoryFigures(services),
  ]);
  const ratio = full.blockTimeMs / empty.blockTimeMs;
  return `${nodes} node(s): block time with ${waiting} waiting ${ratio.toFixed(2)}x`;
}

interface Measured {
  readonly blockTimeMs: number;
  readonly longestMs: number;
  readonly lagMs: number;
  readonly cpuMs: number;
  readonly transactions: number;
}

async function measure(net: Net, services: readonly Service[]): Promise<Measured> {
  console.log(`following ${BLOCKS} blocks`);
  const follower = await BlockFollower.start(net.first);
  // the first block may have been made before
  await follower.waitUntil((blocks) => blocks.length >= 2, TIMEOUT_MS);
  const before = controllerSeconds(services);
  await follower.waitUntil((blocks) => blocks.length >= 2 + BLOCKS, TIMEOUT_MS);
  const seconds = controllerSeconds(services) - before;
  await follower.stop();
  const blocks = follower.blocks.slice(1, 2 + BLOCKS);
  const times = blockTimesMs(blocks);
  return {
    blockTimeMs: mean(times),
    longestMs: Math.max(...times),
    lagMs: mean(blocks.map(({ seenMs, proposedMs }) => seenMs - proposedMs)),
    cpuMs: seconds * 1_000 / BLOCKS,
    transactions: mean(blocks.map(({ hashes }: SeenBlock) => hashes.length)),
  };
}

function controllerSeconds(services: readonly Service[]): number {
  return services.filter(({ role }) => role === "controller")
    .reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
}

function compare(name: string, emptyMs: number, fullMs: number): Figure[] {
  return [
    { name: `${name}, empty pool`, value: emptyMs, unit: "ms", ratio: 1 },
    { name: `${name}, full pool`, value: fullMs, unit: "ms", ratio: fullMs / emptyMs },
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
