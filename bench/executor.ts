/**
 * The executor: blocks of transactions with their synced write to disk, and read-only calls. The
 * baseline is the rate of Keccak-256 over 136 bytes in the same run: what a transaction costs is
 * mostly hashing, and the ratio is free of the speed of the machine.
 *
 * @module
 */

import process from "node:process";
import type { Block, RawTransaction } from "../proto/gen/blockchain.ts";
import { ExecutorServiceService } from "../proto/gen/executor.ts";
import { hashBlockHeader } from "../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, fromHex, u64be } from "../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../shared/clock/mod.ts";
import { loadSm3 } from "../shared/crypto/mod.ts";
import { openLevel } from "../shared/level/mod.ts";
import { SILENT_LOGGER } from "../shared/log/mod.ts";
import { connect, grpcService, serveGrpc } from "../shared/rpc/mod.ts";
import { EvmExecutor } from "../services/executor/evm/executor.ts";
import { loadFastKeccak } from "../services/executor/evm/keccak.ts";
import { loadPrecompiles } from "../services/executor/evm/precompiles/mod.ts";
import { findReceipt } from "../services/executor/evm/chain/query.ts";
import { executorHandlers } from "../services/executor/service.ts";
import { type Figure, printFigures } from "./table.ts";

const BLOCK_SIZE = 2_000;
const BLOCKS = 5;
const WARM_UP_BLOCKS = 2;
const SENDERS = 20;
const MEASURE_MS = 800;
const CALLS_IN_FLIGHT = 64;

/** `Counter` of the quickstart, compiled by solc 0.4.24. */
const COUNTER =
  "608060405234801561001057600080fd5b5060f58061001f6000396000f3006080604052600436106053576000357c01" +
  "00000000000000000000000000000000000000000000000000000000900463ffffffff16806306661abd146058578063" +
  "4f2be91f146080578063d826f88f146094575b600080fd5b348015606357600080fd5b50606a60a8565b604051808281" +
  "5260200191505060405180910390f35b348015608b57600080fd5b50609260ae565b005b348015609f57600080fd5b50" +
  "60a660c0565b005b60005481565b60016000808282540192505081905550565b600080819055505600a165627a7a7230" +
  "58204d6b0751c89804185dcb5dfe060c60109217e974d63a40d3617c5dc9e4d186580029";
const ADD = "4f2be91f";
const COUNT = "06661abd";
/** Counts down from 20,000 with 7 instructions each time. */
const LOOP = "614e205b600190038060035700";
const LOOP_INSTRUCTIONS = 7 * 20_000;

interface TransactionShape {
  readonly to: Bytes;
  readonly data: Bytes;
}

const keccak = await loadFastKeccak();
const sm3 = await loadSm3();

/** An executor and the blocks that were given to it. */
class BenchChain {
  #height = -1n;
  #prevhash: Bytes = new Uint8Array(32);
  #count = 0n;

  constructor(readonly executor: EvmExecutor) {}

  /** A block of transactions of one shape. */
  build(shape: TransactionShape, size: number): Block {
    this.#height++;
    const body = Array.from({ length: size }, (_, index) => this.#transaction(shape, index));
    const header = {
      prevhash: this.#prevhash,
      timestamp: 1_600_000_000_000n + 3000n * this.#height,
      height: this.#height,
      transactionsRoot: new Uint8Array(32),
      proposer: new Uint8Array(this.#height === 0n ? 32 : 20),
    };
    this.#prevhash = hashBlockHeader(sm3, header);
    return { version: 0, header, body: { body }, proof: EMPTY_BYTES };
  }

  /** Executes a block; fails unless it is accepted. */
  async execute(block: Block): Promise<void> {
    const { code } = await this.executor.exec(block);
    if (code !== 0) throw new Error(`Cannot go on: a block is answered ${code}`);
  }

  /** Milliseconds of the median block. */
  async median(shape: TransactionShape, size = BLOCK_SIZE): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < WARM_UP_BLOCKS + BLOCKS; i++) {
      const block = this.build(shape, size);
      const startMs = SYSTEM_CLOCK.monotonicMs();
      await this.execute(block);
      if (i >= WARM_UP_BLOCKS) times.push(SYSTEM_CLOCK.monotonicMs() - startMs);
    }
    return times.sort((a, b) => a - b)[BLOCKS >> 1] ?? NaN;
  }

  /** Deploys code and gives its address. */
  async deploy(initCode: string): Promise<Bytes> {
    const block = this.build({ to: EMPTY_BYTES, data: fromHex(initCode) }, 1);
    await this.execute(block);
    const hash = block.body?.body[0]?.tx?.value.transactionHash ?? EMPTY_BYTES;
    const found = await this.executor.read((chain) => findReceipt(chain, hash));
    if (found === null || found.receipt.errorMessage !== "") throw new Error("Cannot deploy");
    return found.receipt.contractAddress;
  }

  #transaction({ to, data }: TransactionShape, index: number): RawTransaction {
    const transaction = {
      version: 0,
      to,
      nonce: "",
      quota: 3_000_000n,
      validUntilBlock: 0n,
      data,
      value: new Uint8Array(32),
      chainId: new Uint8Array(32),
    };
    const sender = new Uint8Array(20).fill(1 + index % SENDERS);
    const transactionHash = keccak(u64be(this.#count++));
    const witness = { signature: EMPTY_BYTES, sender };
    return { tx: { $case: "normalTx", value: { transaction, transactionHash, witness } } };
  }
}

/** Runs per second of one core. */
function rate(run: () => void): number {
  const startMs = SYSTEM_CLOCK.monotonicMs();
  let runs = 0;
  let elapsedMs = 0;
  while (elapsedMs < MEASURE_MS) {
    run();
    runs++;
    elapsedMs = SYSTEM_CLOCK.monotonicMs() - startMs;
  }
  return runs * 1000 / elapsedMs;
}

/** As {@linkcode rate} for work that waits, with so many at a time. */
async function rateInFlight(run: () => Promise<unknown>, inFlight: number): Promise<number> {
  const startMs = SYSTEM_CLOCK.monotonicMs();
  let runs = 0;
  const worker = async () => {
    while (SYSTEM_CLOCK.monotonicMs() - startMs < MEASURE_MS) {
      await run();
      runs++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return runs * 1000 / (SYSTEM_CLOCK.monotonicMs() - startMs);
}

async function benchmark(path: string): Promise<Figure[]> {
  const executor = new EvmExecutor({
    open: () => openLevel(path),
    natives: { keccak, precompiles: await loadPrecompiles() },
    hashes: [sm3, keccak],
    isEthCompatible: false,
    log: SILENT_LOGGER,
  });
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: 0,
    services: [grpcService(ExecutorServiceService, executorHandlers(executor))],
    log: SILENT_LOGGER,
  });
  const client = connect(ExecutorServiceService, { port: server.port });
  try {
    const data = new Uint8Array(136);
    rate(() => keccak(data));
    const baseline = rate(() => keccak(data));
    const figure = (name: string, value: number): Figure => (
      { name, value, unit: "/s", ratio: value / baseline }
    );
    const blocks = async (name: string, shape: TransactionShape) =>
      figure(`${name}, block of ${BLOCK_SIZE}`, BLOCK_SIZE * 1000 / await chain.median(shape));

    const chain = new BenchChain(executor);
    await chain.execute(chain.build({ to: EMPTY_BYTES, data: EMPTY_BYTES }, 0));
    const counter = await chain.deploy(COUNTER);
    const loop = await chain.deploy(`600d600c600039600d6000f3${LOOP}`);
    const add = { to: counter, data: fromHex(ADD) };
    const request = {
      to: counter,
      from: EMPTY_BYTES,
      method: fromHex(COUNT),
      args: [],
      height: 0n,
    };
    const loopRequest = { ...request, to: loop };
    return [
      await blocks("Counter.add()", add),
      await blocks("call of nobody", { to: fromHex("42".repeat(20)), data: EMPTY_BYTES }),
      await blocks("creation of Counter", { to: EMPTY_BYTES, data: fromHex(COUNTER) }),
      figure("empty block", 1000 / await chain.median(add, 0)),
      figure("read-only call of count()", await rateInFlight(() => executor.call(request), 1)),
      figure(
        `the same over gRPC, ${CALLS_IN_FLIGHT} at a time`,
        await rateInFlight(() => client.call(request), CALLS_IN_FLIGHT),
      ),
      figure(
        "instructions of a loop",
        LOOP_INSTRUCTIONS * await rateInFlight(() => executor.call(loopRequest), 1),
      ),
      figure("  Keccak-256 of 136 bytes", baseline),
    ];
  } finally {
    client.close();
    await server.close();
    await executor.close();
  }
}

const folder = await Deno.makeTempDir({ prefix: "bench_executor_" });
try {
  printFigures("executor_evm, one core, synced writes", await benchmark(`${folder}/data`));
} finally {
  await Deno.remove(folder, { recursive: true });
}
// the timers of shared/level beat to the end of the process
process.exit(0);
