/** Transactions through a chain as fast as it takes them. */

import type { CryptoSuite } from "../shared/crypto/mod.ts";
import { loadSuite } from "../shared/crypto/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { BlockFollower, type SeenBlock } from "./chain_blocks.ts";
import { send, type Sending } from "./chain_client.ts";
import { Net } from "./chain_net.ts";
import { cpuFigures, cpuSeconds, memoryFigures, readCpu } from "./chain_processes.ts";
import { type SignedTransaction, signTransactions } from "./chain_signing.ts";
import type { Options } from "./chain_options.ts";
import { type Figure, printFigures } from "./table.ts";

/** Rates of the Rust services on the reference machine, by number of nodes. */
const REFERENCE: Readonly<Record<number, { readonly accepted: number; readonly final: number }>> = {
  1: { accepted: 2_226, final: 1_905 },
  // the middle of 305 to 510, and of 286 to 435
  4: { accepted: 408, final: 361 },
};

/** Transactions unless the user chooses: as the reference was measured. */
const TRANSACTIONS: Readonly<Record<number, number>> = { 1: 20_000, 4: 10_000 };
const TRANSACTIONS_FALLBACK = 10_000;
const FINAL_TIMEOUT_MS = 600_000;
const SAMPLE = 300;

/** Runs one chain from its creation to the last final transaction; gives the summary line. */
export async function benchLoad(options: Options, nodes: number): Promise<string> {
  const { crypto, connections, concurrency } = options;
  const count = options.transactions ?? TRANSACTIONS[nodes] ?? TRANSACTIONS_FALLBACK;
  await using net = await Net.start({ nodes, crypto, packageLimit: options.packageLimit });
  const transactions = await signTransactions(net, count);
  const baseline = verificationRate(await loadSuite(crypto), transactions);
  const services = await net.services();
  const follower = await BlockFollower.start(net.first);
  console.log("sending");
  const [cpu, ownCpu] = [readCpu(services), cpuSeconds("self")];
  const target = { ports: net.controllerPorts, connections, concurrency };
  const sending = await send(transactions, target);
  if (sending.sentMs.size === 0) throw new Error(`Nothing was accepted: ${list(sending)}`);
  await follower.waitUntil((blocks) => missing(sending, blocks) === 0, FINAL_TIMEOUT_MS);
  await follower.stop();
  const rates = ratesOf(sending, follower.blocks);
  const clientSeconds = cpuSeconds("self") - ownCpu;
  printFigures(`${nodes} node(s), ${crypto}, ${count} single transactions`, [
    { name: "baseline: signatures verified, one core", value: baseline, unit: "tx/s", ratio: 1 },
    { name: "accepted", value: rates.accepted, unit: "tx/s", ratio: rates.accepted / baseline },
    { name: "final", value: rates.final, unit: "tx/s", ratio: rates.final / baseline },
    ...referenceFigures(nodes, rates),
    { name: "refused", value: count - sending.sentMs.size, unit: "tx" },
    ...latencyFigures(sending, follower.blocks),
    ...blockFigures(follower.blocks),
    ...cpuFigures(services, cpu, count),
    { name: "CPU of this benchmark", value: clientSeconds, unit: "s" },
    ...memoryFigures(services),
  ]);
  if (sending.refusals.size > 0) console.log(`  refused: ${list(sending)}`);
  return `${nodes} node(s): accepted ${rates.accepted.toFixed(0)} tx/s, ` +
    `final ${rates.final.toFixed(0)} tx/s`;
}

/** Signatures that one core verifies per second. */
function verificationRate(suite: CryptoSuite, transactions: readonly SignedTransaction[]): number {
  const sample = transactions.slice(0, SAMPLE);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  for (const { hash, signature } of sample) suite.recover(hash, signature);
  return sample.length / (SYSTEM_CLOCK.monotonicMs() - startMs) * 1000;
}

function missing({ sentMs }: Sending, blocks: readonly SeenBlock[]): number {
  let found = 0;
  for (const { hashes } of blocks) {
    for (const hash of hashes) if (sentMs.has(hash)) found++;
  }
  return sentMs.size - found;
}

interface Rates {
  readonly accepted: number;
  readonly final: number;
}

/** Transactions per second, until the last answer and until the last block was seen. */
function ratesOf({ sentMs, startMs, endMs }: Sending, blocks: readonly SeenBlock[]): Rates {
  const last = blocks.findLast(({ hashes }) => hashes.some((hash) => sentMs.has(hash)));
  const perSecond = (untilMs: number) => sentMs.size / (untilMs - startMs) * 1000;
  return { accepted: perSecond(endMs), final: perSecond(last?.seenMs ?? NaN) };
}

function referenceFigures(nodes: number, rates: Rates): Figure[] {
  const reference = REFERENCE[nodes];
  if (reference === undefined) return [];
  const { accepted, final } = reference;
  return [
    {
      name: "accepted by Rust, reference machine",
      value: accepted,
      unit: "tx/s; ours to it",
      ratio: rates.accepted / accepted,
    },
    {
      name: "final with Rust, reference machine",
      value: final,
      unit: "tx/s; ours to it",
      ratio: rates.final / final,
    },
  ];
}

function latencyFigures(sending: Sending, blocks: readonly SeenBlock[]): Figure[] {
  const final = blocks.flatMap(({ hashes, seenMs }) =>
    hashes.map((hash) => seenMs - (sending.sentMs.get(hash) ?? NaN))
  ).sort((left, right) => left - right);
  return [
    { name: "sent to answered, median", value: quantile(sending.answerMs, 0.5), unit: "ms" },
    { name: "sent to answered, 99 %", value: quantile(sending.answerMs, 0.99), unit: "ms" },
    { name: "sent to final, median", value: quantile(final, 0.5) / 1000, unit: "s" },
    { name: "sent to final, 99 %", value: quantile(final, 0.99) / 1000, unit: "s" },
  ];
}

function blockFigures(blocks: readonly SeenBlock[]): Figure[] {
  const sizes = blocks.map(({ hashes }) => hashes.length).filter((size) => size > 0);
  const lags = blocks.filter(({ hashes }) => hashes.length > 0)
    .map(({ seenMs, proposedMs }) => seenMs - proposedMs);
  return [
    { name: "blocks with transactions", value: sizes.length, unit: "" },
    { name: "transactions of a block, mean", value: mean(sizes), unit: "tx" },
    { name: "transactions of a block, most", value: Math.max(...sizes), unit: "tx" },
    { name: "proposed to stored, mean", value: mean(lags), unit: "ms" },
    { name: "proposed to stored, longest", value: Math.max(...lags), unit: "ms" },
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

function list({ refusals }: Sending): string {
  return [...refusals].map(([reason, count]) => `${count} ${reason}`).join(", ");
}
