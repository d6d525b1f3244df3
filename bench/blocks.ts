/**
 * Block production of whole chains of executables at its limits: `blocks.ts [--scenario big|pending]
 * [--nodes N] [--transactions N] [--crypto sm|eth] [--package-limit N]`.
 *
 * `big`: a block of 30,000 transactions. `pending`: what 100,000 transactions that wait do to the
 * blocks; the baseline is an empty pool.
 *
 * @module
 */

import process from "node:process";
import { benchBigBlock } from "./blocks_big.ts";
import { benchPending } from "./blocks_pending.ts";
import { readOptions } from "./chain_options.ts";

const options = readOptions(process.argv.slice(2));
const { scenario, nodes } = options;
const summaries: string[] = [];
for (const count of nodes === null ? [1, 4] : [nodes]) {
  if (scenario !== "pending") summaries.push(await benchBigBlock(options, count));
  if (scenario !== "big") summaries.push(await benchPending(options, count));
}
console.log(`\nsummary, ${options.crypto}: ${summaries.join("; ")}`);
