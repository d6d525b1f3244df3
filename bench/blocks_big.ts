/** One block as large as the chain allows. */

import { BlockFollower, blockTimesMs, type SeenBlock } from "./chain_blocks.ts";
import { Net } from "./chain_net.ts";
import type { Options } from "./chain_options.ts";
import { fillPools } from "./chain_pooling.ts";
import { cpuFigures, memoryFigures, pause, readCpu } from "./chain_processes.ts";
import { type SignedTransaction, signTransactions } from "./chain_signing.ts";
import { printFigures } from "./table.ts";

const TRANSACTIONS = 30_000;
const TIMEOUT_MS = 180_000;

/** Blocks after the big one that are looked at. */
const FOLLOWING = 3;

/** The default of `package_limit` is what the block of the scenario needs. */
export async function benchBigBlock(options: Options, nodes: number): Promise<string> {
  const { crypto, packageLimit, transactions: count = null } = options;
  const wanted = count ?? TRANSACTIONS;
  await using net = await Net.start({ nodes, crypto, packageLimit });
  const transactions = await signTransactions(net, wanted);
  const services = await net.services();
  const resume = pause(services, "consensus");
  const follower = await BlockFollower.start(net.first);
  try {
    await fillPools(net, services, transactions);
  } finally {
    resume();
  }
  const cpu = readCpu(services);
  await follower.waitUntil((blocks) => behindLast(blocks, wanted) >= FOLLOWING, TIMEOUT_MS);
  await follower.stop();
  const full = follower.blocks.filter(({ hashes }) => hashes.length > 0);
  const big = full.reduce((a, b) => b.hashes.length > a.hashes.length ? b : a);
  const following = follower.blocks.filter(({ height }) => height >= big.height);
  printFigures(`${nodes} node(s), ${crypto}, ${wanted} transactions wait for consensus`, [
    { name: "blocks with transactions", value: full.length, unit: "" },
    { name: "transactions of the largest", value: big.hashes.length, unit: "tx" },
    { name: "their encoded size", value: sizeOf(big, transactions) / 2 ** 20, unit: "MiB" },
    { name: "proposed to stored", value: lag(big), unit: "ms" },
    ...blockTimesMs(following).map((value, index) => (
      { name: `block time, ${index + 1} after it`, value, unit: "ms" }
    )),
    ...cpuFigures(services, cpu, wanted),
    ...memoryFigures(services),
  ]);
  return `${nodes} node(s): block of ${big.hashes.length} stored after ${lag(big)} ms`;
}

function sizeOf({ hashes }: SeenBlock, transactions: readonly SignedTransaction[]): number {
  const sizes = new Map(transactions.map(({ hash, encoded }) => [hash.toHex(), encoded.length]));
  return hashes.reduce((sum, hash) => sum + (sizes.get(hash) ?? 0), 0);
}

function lag({ seenMs, proposedMs }: SeenBlock): number {
  return seenMs - proposedMs;
}

/** Blocks after the one that holds the last of the transactions; -1 before. */
function behindLast(blocks: readonly SeenBlock[], count: number): number {
  let missing = count;
  for (const [index, { hashes }] of blocks.entries()) {
    missing -= hashes.length;
    if (missing <= 0) return blocks.length - 1 - index;
  }
  return -1;
}
