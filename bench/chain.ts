/**
 * Transactions through a whole chain of executables: `chain.ts [--transactions N] [--crypto sm|eth]`.
 * Sends N signed transactions by SendRawTransactions to a chain of one and of four nodes and reports
 * how many were accepted and final per second and how long each took to be final. The baseline is
 * the rate at which one core verifies their signatures, the work that no node can leave out.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import type { RawTransaction } from "../proto/gen/blockchain.ts";
import { RPCServiceService as ControllerService } from "../proto/gen/controller.ts";
import { type Bytes, EMPTY_BYTES, toHex } from "../shared/bytes/mod.ts";
import { hashTransaction } from "../shared/block/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { type CryptoSuite, loadSuite, type SuiteName } from "../shared/crypto/mod.ts";
import { connect, type RpcClient } from "../shared/rpc/mod.ts";
import { findBasePort, PORTS_PER_NODE } from "../tests/e2e/free_ports.ts";
import { type Figure, printFigures } from "./table.ts";

type Controller = RpcClient<typeof ControllerService>;

const BIN = new URL("../bin/", import.meta.url).pathname;
const CONTROLLER_PORT_OFFSET = 4;
const BATCH_SIZE = 100;
/** Batches that wait for an answer at the same time. */
const BATCHES_IN_FLIGHT = 5;
const SENDERS = 20;
const POLL_INTERVAL_MS = 50;
const FINAL_TIMEOUT_MS = 300_000;
/** Blocks that a transaction stays valid for; the limit of 100 less a margin. */
const VALID_BLOCKS = 80n;

interface Plan {
  readonly crypto: SuiteName;
  readonly nodes: number;
  readonly transactions: number;
}

async function devnet(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(`${BIN}devnet`, { args }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`devnet ${args[0]} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Signs transactions of several senders to an address without code. */
async function signTransactions(
  suite: CryptoSuite,
  controller: Controller,
  count: number,
): Promise<RawTransaction[]> {
  const { chainId } = await controller.getSystemConfig({});
  const { blockNumber } = await controller.getBlockNumber({ flag: false });
  const senders = Array.from({ length: SENDERS }, () => {
    const secretKey = suite.generateSecretKey();
    return { secretKey, address: suite.addressOf(suite.publicKeyOf(secretKey)) };
  });
  return Array.from({ length: count }, (_, index): RawTransaction => {
    const transaction = {
      version: 0,
      to: new Uint8Array(20).fill(0x42),
      nonce: String(index),
      quota: 200_000n,
      validUntilBlock: blockNumber + VALID_BLOCKS,
      data: EMPTY_BYTES,
      value: new Uint8Array(32),
      chainId,
    };
    const transactionHash = hashTransaction(suite.hash, transaction);
    const { secretKey, address } = senders[index % SENDERS] ?? senders[0]!;
    const witness = { signature: suite.sign(secretKey, transactionHash), sender: address };
    return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
  });
}

function signatureOf({ tx }: RawTransaction): { hash: Bytes; signature: Bytes } {
  if (tx?.$case !== "normalTx") throw new TypeError("The benchmark sends normal transactions");
  return { hash: tx.value.transactionHash, signature: tx.value.witness?.signature ?? EMPTY_BYTES };
}

/** Signatures that one core verifies per second. */
function verificationRate(suite: CryptoSuite, transactions: readonly RawTransaction[]): number {
  const sample = transactions.slice(0, 300).map(signatureOf);
  const startMs = SYSTEM_CLOCK.monotonicMs();
  for (const { hash, signature } of sample) suite.recover(hash, signature);
  return sample.length / (SYSTEM_CLOCK.monotonicMs() - startMs) * 1000;
}

interface Sending {
  /** When each transaction was accepted, by hash. */
  readonly acceptedMs: Map<string, number>;
  readonly endMs: number;
}

/** Sends everything, a few batches at a time, to the nodes in turn. */
async function sendAll(
  controllers: readonly Controller[],
  transactions: readonly RawTransaction[],
): Promise<Sending> {
  const acceptedMs = new Map<string, number>();
  let next = 0;
  const worker = async (controller: Controller) => {
    while (next < transactions.length) {
      const body = transactions.slice(next, next += BATCH_SIZE);
      const startMs = SYSTEM_CLOCK.monotonicMs();
      const { hashes } = await controller.sendRawTransactions({ body }, { deadlineMs: 120_000 });
      for (const { hash } of hashes) acceptedMs.set(toHex(hash), startMs);
    }
  };
  const workers = Array.from({ length: BATCHES_IN_FLIGHT }, (_, index) => {
    const controller = controllers[index % controllers.length];
    return controller === undefined ? Promise.resolve() : worker(controller);
  });
  await Promise.all(workers);
  return { acceptedMs, endMs: SYSTEM_CLOCK.monotonicMs() };
}

/** Follows the blocks of a node until every accepted transaction is in one; gives the times. */
async function followBlocks(
  controller: Controller,
  from: bigint,
  wanted: () => ReadonlyMap<string, number> | null,
): Promise<Map<string, number>> {
  const finalMs = new Map<string, number>();
  const deadline = SYSTEM_CLOCK.monotonicMs() + FINAL_TIMEOUT_MS;
  let height = from;
  while (SYSTEM_CLOCK.monotonicMs() < deadline) {
    const { blockNumber } = await controller.getBlockNumber({ flag: false });
    for (; height <= blockNumber; height++) {
      const { body } = await controller.getBlockByNumber({ blockNumber: height });
      const nowMs = SYSTEM_CLOCK.monotonicMs();
      for (const hash of body?.txHashes ?? []) finalMs.set(toHex(hash), nowMs);
    }
    const all = wanted();
    if (all !== null && all.size > 0 && [...all.keys()].every((hash) => finalMs.has(hash))) {
      return finalMs;
    }
    await SYSTEM_CLOCK.sleep(POLL_INTERVAL_MS);
  }
  throw new Error(`Only ${finalMs.size} transactions were final after ${FINAL_TIMEOUT_MS} ms`);
}

interface ProcessStatus {
  readonly role: string;
  readonly pid: number;
}

/** Memory of the processes of node 0, from `devnet status`. */
async function memoryFigures(folder: string): Promise<Figure[]> {
  const status = JSON.parse(await devnet("status", "--json", "--dir", folder));
  const processes: readonly ProcessStatus[] = status.nodes[0].processes;
  return processes.map(({ role, pid }) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/status`);
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? Number.NaN);
    return { name: `memory of ${role}, node 0`, value: kilobytes / 1024, unit: "MB" };
  });
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Runs one chain from its creation to the last final transaction. */
async function benchChain(plan: Plan): Promise<void> {
  const { crypto, nodes, transactions: count } = plan;
  const folder = await Deno.makeTempDir({ prefix: "bench-chain-" });
  const basePort = findBasePort(nodes);
  const ports = Array.from({ length: nodes }, (_, node) => basePort + PORTS_PER_NODE * node);
  const controllers = ports.map((port) =>
    connect(ControllerService, { port: port + CONTROLLER_PORT_OFFSET })
  );
  const [first] = controllers;
  if (first === undefined) throw new RangeError("A chain needs a node");
  try {
    console.log(`starting a chain of ${nodes} node(s), ${crypto}`);
    await devnet(
      "up",
      ...["--nodes", String(nodes), "--dir", folder, "--crypto", crypto],
      ...["--base-port", String(basePort), "--detach"],
    );
    const suite = await loadSuite(crypto);
    console.log(`signing ${count} transactions`);
    const transactions = await signTransactions(suite, first, count);
    const baseline = verificationRate(suite, transactions);
    console.log("sending");
    const { blockNumber } = await first.getBlockNumber({ flag: false });
    const startMs = SYSTEM_CLOCK.monotonicMs();
    let accepted: Map<string, number> | null = null;
    const following = followBlocks(first, blockNumber + 1n, () => accepted);
    const sending = await sendAll(controllers, transactions);
    accepted = sending.acceptedMs;
    const finalMs = await following;
    report(plan, { baseline, startMs, sending, finalMs, memory: await memoryFigures(folder) });
  } finally {
    for (const controller of controllers) controller.close();
    await devnet("down", "--dir", folder);
    await Deno.remove(folder, { recursive: true });
  }
}

function report({ nodes, crypto }: Plan, run: {
  readonly baseline: number;
  readonly startMs: number;
  readonly sending: Sending;
  readonly finalMs: ReadonlyMap<string, number>;
  readonly memory: readonly Figure[];
}): void {
  const { baseline, startMs, sending: { acceptedMs, endMs }, finalMs } = run;
  const lastMs = Math.max(...[...acceptedMs.keys()].map((hash) => finalMs.get(hash) ?? 0));
  const accepted = acceptedMs.size / (endMs - startMs) * 1000;
  const final = acceptedMs.size / (lastMs - startMs) * 1000;
  const latencies = [...acceptedMs].map(([hash, sentMs]) => (finalMs.get(hash) ?? 0) - sentMs)
    .sort((left, right) => left - right);
  printFigures(`${nodes} node(s), ${crypto}, ${acceptedMs.size} transactions`, [
    { name: "baseline: signatures verified, one core", value: baseline, unit: "tx/s", ratio: 1 },
    { name: "accepted", value: accepted, unit: "tx/s", ratio: accepted / baseline },
    { name: "final", value: final, unit: "tx/s", ratio: final / baseline },
    { name: "sent to final, median", value: quantile(latencies, 0.5) / 1000, unit: "s" },
    { name: "sent to final, 99 %", value: quantile(latencies, 0.99) / 1000, unit: "s" },
    ...run.memory,
  ]);
}

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    transactions: { type: "string", default: "2000" },
    crypto: { type: "string", default: "sm" },
  },
});
const transactions = Number(values.transactions);
const crypto = values.crypto;
if (!Number.isInteger(transactions) || transactions < 1) {
  throw new Error(`Cannot use --transactions "${values.transactions}": it must be a whole number`);
}
if (crypto !== "sm" && crypto !== "eth") {
  throw new Error(`Cannot use --crypto "${crypto}": it must be sm or eth`);
}
for (const nodes of [1, 4]) await benchChain({ crypto, nodes, transactions });
