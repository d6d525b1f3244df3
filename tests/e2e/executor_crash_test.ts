import assert from "node:assert/strict";
import fc from "fast-check";
import type { Block } from "../../proto/gen/blockchain.ts";
import { Receipt, RPCServiceService } from "../../proto/gen/evm.ts";
import { ExecutorServiceService } from "../../proto/gen/executor.ts";
import { deploy } from "../../services/executor/testing/code.ts";
import { loadChainParts } from "../../services/executor/testing/chain_parts.ts";
import { FIRST_CONTRACTS, randomProgram } from "../../services/executor/testing/random_program.ts";
import { TestChain, type TestTransaction } from "../../services/executor/testing/test_chain.ts";
import { EMPTY_BYTES, fromHex, toHex } from "../../shared/bytes/mod.ts";
import { type Random, seededRandom, SYSTEM_CLOCK, SYSTEM_RANDOM } from "../../shared/clock/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import { connect, RpcFault } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { KillableService } from "../crash/killable_service.ts";
import { freePort } from "../free_ports.ts";

const KILLS = 6;
const BLOCKS = 60;
const TRANSACTIONS_PER_BLOCK = 40;
const CREATIONS_PER_BLOCK = 4;
/** One kill of five comes while the process starts, the others amid a block. */
const STARTING_SHARE = 0.2;
const START_MS_MAX = 500;
const BLOCK_MS_MAX = 30;
const QUERIES_AT_A_TIME = 32;

const LOG_SETTINGS = `
appenders: {stdout: {kind: console}}
root: {level: error, appenders: [stdout]}
`;

interface ExpectedBlock {
  readonly block: Block;
  readonly root: string;
  /** Receipts by the hashes of their transactions, both in hex. */
  readonly receipts: readonly (readonly [hash: string, receipt: string])[];
}

/** Blocks that create, call and remove contracts of random code, as one process executes them. */
async function expectedBlocks(seed: number): Promise<ExpectedBlock[]> {
  const parts = await loadChainParts();
  const [sm3] = parts.hashes;
  assert(sm3 !== undefined);
  const test = new TestChain(parts, sm3);
  const programs = fc.sample(randomProgram(FIRST_CONTRACTS), { seed, numRuns: BLOCKS });
  return Array.from({ length: BLOCKS }, (_, height) => {
    const block = test.build(height === 0 ? [] : transactionsOf(programs, height));
    const outcome = test.execute(block);
    assert(outcome.kind === "executed");
    const receipts = test.receiptsOf(block).map((receipt) =>
      [toHex(receipt.transactionHash), toHex(encode(Receipt, receipt))] as const
    );
    return { block, root: toHex(outcome.header.stateRoot), receipts };
  });
}

function transactionsOf(programs: readonly string[], height: number): TestTransaction[] {
  return Array.from({ length: TRANSACTIONS_PER_BLOCK }, (_, index): TestTransaction => {
    const program = programs[(height * 7 + index) % programs.length] ?? "";
    const quota = 300_000n;
    if (index < CREATIONS_PER_BLOCK) return { data: deploy(program), quota };
    const to = FIRST_CONTRACTS[index % 3] ?? "";
    return { to, quota, data: program.slice(0, 64), sender: (index % 9).toString(16).repeat(40) };
  });
}

/** Where the data are and a process serves. */
interface Place {
  readonly folder: string;
  readonly port: number;
}

/** When a process is killed. */
interface Life {
  /** New blocks that are answered before. */
  readonly blocks: number;
  /** From the last of them, or from the start of the process, to its end. */
  readonly delayMs: number;
}

/** Executes blocks in a process that is killed, as the controller does with its executor. */
class Sender {
  /** Blocks that were answered. */
  #answered = 0;

  constructor(
    readonly blocks: readonly ExpectedBlock[],
    readonly place: Place,
  ) {}

  get isDone(): boolean {
    return this.#answered === this.blocks.length;
  }

  /** Runs a process until it is killed, or has done all. */
  async lifeOf({ blocks, delayMs }: Life): Promise<void> {
    const service = new KillableService({ role: "executor", ...this.place });
    const done = new AbortController();
    const reached = Promise.withResolvers<void>();
    const killFrom = this.#answered + blocks;
    const onAnswered = () => this.#answered >= killFrom && reached.resolve();
    onAnswered();
    const work = this.#send(service, onAnswered).finally(() => done.abort());
    try {
      await Promise.race([reached.promise, work]);
      await SYSTEM_CLOCK.sleep(delayMs, done.signal);
      await service.kill();
      await work;
    } finally {
      await service.dispose();
    }
  }

  /** Sends the genesis, then the last block that was answered, then new ones; until it is killed. */
  async #send(service: KillableService, onAnswered: () => void): Promise<void> {
    try {
      await service.serving();
    } catch {
      return; // killed while it started
    }
    const executor = connect(ExecutorServiceService, { port: this.place.port });
    try {
      for (const index of [0, ...this.#toSend()]) {
        const { block, root } = this.blocks[index] as ExpectedBlock;
        const { status, hash } = await executor.exec(block);
        assert.equal(toHex(hash?.hash ?? EMPTY_BYTES), root, `block ${index}`);
        this.#note(index, status?.code);
        onAnswered();
      }
    } catch (error) {
      if (!(error instanceof RpcFault)) throw error;
    } finally {
      executor.close();
    }
  }

  *#toSend(): Generator<number> {
    for (let index = Math.max(0, this.#answered - 1); index < this.blocks.length; index++) {
      yield index;
    }
  }

  #note(index: number, code: number | undefined): void {
    const isKnown = code === StatusCode.ReenterBlock;
    assert(isKnown || code === StatusCode.Success, `block ${index} is answered ${code}`);
    if (index < this.#answered) assert(isKnown, `block ${index} was executed twice`);
    this.#answered = Math.max(this.#answered, index + 1);
  }
}

async function assertReceipts(place: Place, blocks: readonly ExpectedBlock[]): Promise<void> {
  const service = new KillableService({ role: "executor", ...place });
  const queries = connect(RPCServiceService, place);
  const receipts = blocks.flatMap(({ receipts }) => receipts);
  try {
    await service.serving();
    for (let from = 0; from < receipts.length; from += QUERIES_AT_A_TIME) {
      const some = receipts.slice(from, from + QUERIES_AT_A_TIME);
      await Promise.all(some.map(async ([hash, expected]) => {
        const receipt = await queries.getTransactionReceipt({ hash: fromHex(hash) });
        assert.equal(toHex(encode(Receipt, receipt)), expected, `receipt of ${hash}`);
      }));
    }
  } finally {
    queries.close();
    await service.dispose();
  }
}

function randomLife(random: Random): Life {
  if (random() < STARTING_SHARE) return { blocks: 0, delayMs: random() * START_MS_MAX };
  const blocks = 1 + Math.floor(random() * BLOCKS / KILLS);
  return { blocks, delayMs: random() * BLOCK_MS_MAX };
}

async function killAndCompare(seed: number, { folder, port }: Place): Promise<void> {
  const blocks = await expectedBlocks(seed);
  const sender = new Sender(blocks, { folder, port });
  const random = seededRandom(seed);
  for (let kill = 0; kill < KILLS; kill++) await sender.lifeOf(randomLife(random));
  await sender.lifeOf({ blocks: BLOCKS, delayMs: 0 });
  assert(sender.isDone);
  await assertReceipts({ folder, port }, blocks);
}

/** How states are kept, with a line of the configuration each. */
const MODES = { archive: "", full: 'sync_mode = "full"\nstates_kept = 16\n' } as const;

for (const [mode, line] of Object.entries(MODES)) {
  Deno.test(`bin/executor in ${mode} mode, killed at any moment, has the roots and receipts of one that is not`, async () => {
    const seed = Math.floor(SYSTEM_RANDOM() * 2 ** 31);
    const folder = await Deno.makeTempDir({ prefix: "executor_crash_" });
    const port = freePort();
    try {
      const table = `[executor_evm]\nexecutor_port = ${port}\n${line}`;
      await Deno.writeTextFile(`${folder}/config.toml`, table);
      await Deno.writeTextFile(`${folder}/executor-log4rs.yaml`, LOG_SETTINGS);
      await killAndCompare(seed, { folder, port });
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
