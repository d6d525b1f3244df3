/**
 * The compiled executor on a large state: time and memory of blocks of ERC-20 transfers between
 * random accounts, beside the same on a small state in the same run.
 *
 * ACCOUNTS=1000000 SLOTS=5000000 MODE=archive: sizes of the large state, and the `sync_mode`.
 *
 * @module
 */

import process from "node:process";
import { type Bytes, concatBytes, EMPTY_BYTES, u64be } from "../shared/bytes/mod.ts";
import { type Random, seededRandom } from "../shared/clock/mod.ts";
import { loadKeccak256, loadSm3 } from "../shared/crypto/mod.ts";
import { Player, withFolder } from "../tests/e2e/recordings/player.ts";
import { freePort } from "../tests/free_ports.ts";
import { peakResidentBytes, residentBytes } from "../tests/memory.ts";
import { showProgress } from "../tests/progress.ts";
import { cpuSeconds } from "./chain_processes.ts";
import { BenchChain, type Sent } from "./executor_blocks.ts";
import { balanceSlot, CALLDATA, tokenCode } from "./executor_contracts.ts";
import { type Figure, printFigures } from "./table.ts";

const SMALL_ACCOUNTS = 10_000;
const TRANSFERS_PER_BLOCK = 1_000;
const WARM_UP_BLOCKS = 20;
const BLOCKS = 40;
const ACCOUNTS_PER_BLOCK = 5_000;
const SLOTS_PER_TRANSACTION = 2_000;
const SLOTS_PER_BLOCK = 20_000;
const AMOUNT = 10n ** 18n;

const MODE = Deno.env.get("MODE") ?? "archive";
const LARGE_ACCOUNTS = Number(Deno.env.get("ACCOUNTS") ?? 1_000_000);
const TOKENS = Math.ceil(Number(Deno.env.get("SLOTS") ?? 5_000_000) / LARGE_ACCOUNTS);

const keccak = await loadKeccak256();
const progress = showProgress();

/** Accounts in the order of their addresses, spread evenly. */
class Accounts {
  constructor(readonly count: number) {}

  /** Address of one of them. */
  at(index: number): Bytes {
    const front = (BigInt(index) << 64n) / BigInt(this.count);
    return concatBytes(u64be(front), keccak(u64be(BigInt(index))).subarray(0, 12));
  }

  any(random: Random): Bytes {
    return this.at(Math.floor(random() * this.count));
  }

  /** Slots of all their balances in order, so that blocks that fill them change few nodes. */
  slots(): Bytes[] {
    const ranked = Array.from({ length: this.count }, (_, index) => {
      const slot = balanceSlot(this.at(index), keccak);
      return { slot, rank: slot.subarray(0, 6).reduce((rank, byte) => rank * 256 + byte, 0) };
    });
    return ranked.sort((a, b) => a.rank - b.rank).map(({ slot }) => slot);
  }
}

/** Lets every account send a transaction, and gives it a balance in every token. */
async function build(chain: BenchChain, accounts: Accounts): Promise<Bytes[]> {
  await chain.execute([]);
  const [owner, code] = [accounts.at(0), tokenCode()];
  const tokens: Bytes[] = [];
  for (let i = 0; i < TOKENS; i++) {
    tokens.push(await chain.send({ from: owner, to: EMPTY_BYTES, data: code }));
  }
  for (const [first, count] of parts(accounts.count, ACCOUNTS_PER_BLOCK)) {
    progress.show(`accounts: ${first} of ${accounts.count}`);
    const senders = Array.from({ length: count }, (_, i) => accounts.at(first + i));
    await chain.execute(senders.map((from) => ({ from, to: owner, data: EMPTY_BYTES })));
  }
  const slots = accounts.slots();
  for (const [index, to] of tokens.entries()) {
    for (const [first, count] of parts(slots.length, SLOTS_PER_BLOCK)) {
      progress.show(`slots: ${index * slots.length + first} of ${TOKENS * slots.length}`);
      const fill = ([at, size]: readonly [number, number]) => {
        const part = slots.slice(first + at, first + at + size);
        return { from: owner, to, data: CALLDATA.fill(part, AMOUNT) };
      };
      await chain.execute(parts(count, SLOTS_PER_TRANSACTION).map(fill));
    }
  }
  progress.end();
  return tokens;
}

/** First index and size of each part of at most so many. */
function parts(count: number, sizeMax: number): (readonly [first: number, size: number])[] {
  return Array.from({ length: Math.ceil(count / sizeMax) }, (_, part) => {
    const first = part * sizeMax;
    return [first, Math.min(sizeMax, count - first)] as const;
  });
}

interface Measured {
  readonly blockMs: number;
  readonly slowestMs: number;
  /** Processor time of a block, all threads; does not depend on what else the machine does. */
  readonly processorMs: number;
  /** Means of the phases of a block, by the executor's own metrics. */
  readonly executeMs: number;
  readonly commitMs: number;
  readonly writeMs: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

async function measure(count: number): Promise<Measured> {
  const accounts = new Accounts(count);
  const measured: Measured[] = [];
  await withFolder(async (folder) => {
    const [port, metricsPort] = [freePort(), freePort()];
    const config = `[executor_evm]\nexecutor_port = ${port}\nmetrics_port = ${metricsPort}\n` +
      `sync_mode = "${MODE}"\n`;
    await using player = await Player.start({ role: "executor", folder, config, port });
    using chain = new BenchChain(port, await loadSm3());
    const next = transfers(accounts, await build(chain, accounts));
    await execute(chain, WARM_UP_BLOCKS, next);
    const [before, secondsBefore] = [await phaseSums(metricsPort), cpuSeconds(player.pid)];
    const times = await execute(chain, BLOCKS, next);
    const [after, secondsAfter] = [await phaseSums(metricsPort), cpuSeconds(player.pid)];
    const meanMs = (phase: string) =>
      ((after.get(phase) ?? NaN) - (before.get(phase) ?? NaN)) * 1000 / BLOCKS;
    measured.push({
      blockMs: times[times.length >> 1] ?? NaN,
      slowestMs: times.at(-1) ?? NaN,
      processorMs: (secondsAfter - secondsBefore) * 1000 / BLOCKS,
      executeMs: meanMs("execute"),
      commitMs: meanMs("commit"),
      writeMs: meanMs("write"),
      residentMiB: residentBytes(player.pid) / 2 ** 20,
      peakMiB: peakResidentBytes(player.pid) / 2 ** 20,
    });
  });
  const [first] = measured;
  if (first === undefined) throw new Error("Nothing was measured");
  return first;
}

/** Transfers between random accounts in random tokens. */
function transfers(accounts: Accounts, tokens: readonly Bytes[]): () => Sent {
  const random = seededRandom(1);
  return () => ({
    from: accounts.any(random),
    to: tokens[Math.floor(random() * tokens.length)] ?? EMPTY_BYTES,
    data: CALLDATA.transfer(accounts.any(random), 1n),
  });
}

/** Executes blocks; gives the milliseconds of each, the quickest first. */
async function execute(chain: BenchChain, blocks: number, next: () => Sent): Promise<number[]> {
  const times: number[] = [];
  for (let block = 0; block < blocks; block++) {
    progress.show(`blocks: ${block} of ${blocks}`);
    times.push(await chain.execute(Array.from({ length: TRANSFERS_PER_BLOCK }, next)));
  }
  progress.end();
  return times.sort((a, b) => a - b);
}

/** Seconds that the phases of all blocks took so far. */
async function phaseSums(port: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.matchAll(/_block_seconds_sum\{phase="(\w+)"\} (\S+)/g);
  return new Map([...lines].map(([, phase = "", seconds]) => [phase, Number(seconds)]));
}

const small = await measure(SMALL_ACCOUNTS);
const large = await measure(LARGE_ACCOUNTS);
const figure = (name: string, unit: string, read: (of: Measured) => number): Figure[] => [
  { name: `${name}, small state`, value: read(small), unit, ratio: 1 },
  { name: `${name}, large state`, value: read(large), unit, ratio: read(large) / read(small) },
];
printFigures(
  `executor_evm, ${MODE}: blocks of ${TRANSFERS_PER_BLOCK} transfers, ` +
    `${LARGE_ACCOUNTS} accounts and ${TOKENS * LARGE_ACCOUNTS} slots beside ` +
    `${SMALL_ACCOUNTS} and ${TOKENS * SMALL_ACCOUNTS}`,
  [
    ...figure("median block", "ms", ({ blockMs }) => blockMs),
    ...figure("slowest block", "ms", ({ slowestMs }) => slowestMs),
    ...figure("processor time, mean", "ms", ({ processorMs }) => processorMs),
    ...figure("  transactions, mean", "ms", ({ executeMs }) => executeMs),
    ...figure("  commit of the state, mean", "ms", ({ commitMs }) => commitMs),
    ...figure("  write to the disk, mean", "ms", ({ writeMs }) => writeMs),
    ...figure("memory in the end", "MiB", ({ residentMiB }) => residentMiB),
    ...figure("memory at most", "MiB", ({ peakMiB }) => peakMiB),
  ],
);
process.exit(0);
