/**
 * Transactions through whole chains of executables: `chain.ts [--nodes N] [--transactions N]
 * [--crypto sm|eth] [--concurrency N] [--connections N] [--package-limit N]`.
 *
 * Sends them with one call each, as `cldi bench send` does, to one node and to four. The baseline is
 * the rate at which one core verifies their signatures, the work that no node can leave out.
 *
 * @module
 */

import process from "node:process";
import { benchLoad } from "./chain_load.ts";
import { readOptions } from "./chain_options.ts";

const options = readOptions(process.argv.slice(2));
const nodeCounts = options.nodes === null ? [1, 4] : [options.nodes];
const summaries: string[] = [];
for (const nodes of nodeCounts) summaries.push(await benchLoad(options, nodes));
console.log(`\nsummary, ${options.crypto}: ${summaries.join("; ")}`);
