/**
 * The compiled executor over gRPC: transactions per second through `Exec`, from a block being sent
 * to its answer, which comes when all is on disk. The baseline is `@ethereumjs/evm` in the same run:
 * it runs the same transactions in this process on a state in memory, without blocks, receipts,
 * state roots or a disk.
 *
 * @module
 */

import process from "node:process";
import { type Bytes, EMPTY_BYTES, u64be } from "../shared/bytes/mod.ts";
import { type Random, seededRandom, SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { loadKeccak256, loadSm3 } from "../shared/crypto/mod.ts";
import { Player, withFolder } from "../tests/e2e/recordings/player.ts";
import { freePort } from "../tests/free_ports.ts";
import { peakResidentBytes } from "../tests/memory.ts";
import { BenchChain, type Sent } from "./executor_blocks.ts";
import { CALLDATA, counterCode, creationOf, LOOP, tokenCode } from "./executor_contracts.ts";
import { OracleEvm } from "./executor_oracle.ts";
import { type Figure, printFigures, printGrid, showRatio } from "./table.ts";

/** Accounts that send transactions and hold tokens. */
const ACCOUNTS = 10_000;
/** Accounts that get tokens by one transaction. */
const ISSUED_AT_ONCE = 500;
const AMOUNT = 10n ** 18n;
const BLOCK_SIZES = [1_000, 6_000] as const;
const TRANSACTIONS_PER_SIZE = 36_000;
const WARM_UP_TRANSACTIONS = 24_000;
const EMPTY_BLOCKS = 200;
const CREATIONS = 1_000;
const CALLERS = 64;
const CALLS_MS = 2_000;

/** Whoever runs transactions: gives the contract that one created. */
type Send = (transaction: Sent) => Promise<Bytes>;

interface Workload {
  readonly name: string;
  /** Deploys what is called; gives the transactions one after the other. */
  readonly open: (send: Send) => Promise<() => Sent>;
}

const keccak = await loadKeccak256();
const accounts = Array.from(
  { length: ACCOUNTS },
  (_, index) => keccak(u64be(BigInt(index))).slice(12),
);
const [owner = EMPTY_BYTES] = accounts;

function anyOf(random: Random): Bytes {
  return accounts[Math.floor(random() * ACCOUNTS)] ?? owner;
}

const WORKLOADS: readonly Workload[] = [
  {
    name: "counter",
    async open(send) {
      const to = await send({ from: owner, to: EMPTY_BYTES, data: await counterCode() });
      const random = seededRandom(1);
      return () => ({ from: anyOf(random), to, data: CALLDATA.add });
    },
  },
  {
    name: "erc20",
    async open(send) {
      const to = await send({ from: owner, to: EMPTY_BYTES, data: tokenCode() });
      for (let first = 0; first < ACCOUNTS; first += ISSUED_AT_ONCE) {
        const holders = accounts.slice(first, first + ISSUED_AT_ONCE);
        await send({ from: owner, to, data: CALLDATA.issue(holders, AMOUNT) });
      }
      const random = seededRandom(1);
      return () => ({ from: anyOf(random), to, data: CALLDATA.transfer(anyOf(random), 1n) });
    },
  },
  {
    name: "plain",
    open() {
      const random = seededRandom(1);
      return Promise.resolve(() => ({
        from: anyOf(random),
        to: anyOf(random),
        data: EMPTY_BYTES,
      }));
    },
  },
];

/** Transactions per second in blocks of one size. */
async function blockRate(chain: BenchChain, size: number, next: () => Sent): Promise<number> {
  const run = async (transactions: number) => {
    let tookMs = 0;
    for (let done = 0; done < transactions; done += size) {
      tookMs += await chain.execute(Array.from({ length: size }, next));
    }
    return tookMs;
  };
  await run(WARM_UP_TRANSACTIONS);
  return TRANSACTIONS_PER_SIZE * 1000 / await run(TRANSACTIONS_PER_SIZE);
}

/** One line: our rate per size of block, that of the baseline, and the ratio of the worst to it. */
async function measure({ name, open }: Workload, chain: BenchChain): Promise<(string | number)[]> {
  const next = await open((transaction) => chain.send(transaction));
  const rates: number[] = [];
  for (const size of BLOCK_SIZES) rates.push(await blockRate(chain, size, next));
  const oracle = await OracleEvm.open();
  const baseline = await oracle.rate(await open((transaction) => oracle.send(transaction)));
  const ratio = showRatio(Math.min(...rates) / baseline);
  return [name, ...[...rates, baseline].map(Math.round), ratio];
}

/** Calls per second of many callers. */
async function callRate(call: () => Promise<unknown>): Promise<number> {
  const startMs = SYSTEM_CLOCK.monotonicMs();
  let calls = 0;
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (SYSTEM_CLOCK.monotonicMs() - startMs < CALLS_MS) {
      await call();
      calls++;
    }
  }));
  return calls * 1000 / (SYSTEM_CLOCK.monotonicMs() - startMs);
}

async function otherFigures(chain: BenchChain): Promise<Figure[]> {
  const code = await counterCode();
  const counter = await chain.send({ from: owner, to: EMPTY_BYTES, data: code });
  const loop = await chain.send({ from: owner, to: EMPTY_BYTES, data: creationOf(LOOP.code) });
  const creations = Array.from({ length: CREATIONS }, () => (
    { from: owner, to: EMPTY_BYTES, data: code }
  ));
  await chain.execute(creations);
  const creationsMs = await chain.execute(creations);
  let emptyMs = 0;
  for (let i = 0; i < EMPTY_BLOCKS; i++) emptyMs += await chain.execute([]);
  const loopRate = await callRate(() => chain.call(loop, EMPTY_BYTES));
  return [
    { name: "creations of Counter", value: CREATIONS * 1000 / creationsMs, unit: "/s" },
    { name: "empty blocks", value: EMPTY_BLOCKS * 1000 / emptyMs, unit: "/s" },
    {
      name: `read-only calls of count() by ${CALLERS} callers`,
      value: await callRate(() => chain.call(counter, CALLDATA.count)),
      unit: "/s",
    },
    { name: "instructions of a loop", value: LOOP.instructions * loopRate, unit: "/s" },
  ];
}

await withFolder(async (folder) => {
  const port = freePort();
  const config = `[executor_evm]\nexecutor_port = ${port}\n`;
  await using player = await Player.start({ role: "executor", folder, config, port });
  using chain = new BenchChain(port, await loadSm3());
  await chain.execute([]);
  const lines = [];
  for (const workload of WORKLOADS) lines.push(await measure(workload, chain));
  printGrid(
    "executor_evm: transactions per second through Exec, synced to disk",
    [
      "workload",
      ...BLOCK_SIZES.map((size) => `blocks of ${size.toLocaleString("en-US")}`),
      "@ethereumjs/evm",
      "ratio",
    ],
    lines,
  );
  const megabytes = peakResidentBytes(player.pid) / 2 ** 20;
  printFigures("executor_evm: other figures", [
    ...await otherFigures(chain),
    { name: "memory at most", value: megabytes, unit: "MiB" },
  ]);
});
process.exit(0);
