import assert from "node:assert/strict";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { RPCServiceService } from "../../../proto/gen/evm.ts";
import { ExecutorServiceService } from "../../../proto/gen/executor.ts";
import { rawTransactionHash } from "../../../shared/block/mod.ts";
import { EMPTY_BYTES, toHex } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { connect, type RpcClient, RpcFault } from "../../../shared/rpc/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy } from "../testing/code.ts";
import { TestChain } from "../testing/test_chain.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { startService } from "../../../tests/service_process.ts";
import { freePort } from "../../../tests/free_ports.ts";

const KILLS = 3;
const BLOCKS_PER_ROUND = 20;
const TRANSACTIONS_PER_BLOCK = 30;
/** Blocks that the process has when it is killed. */
const BLOCKS_IN_FLIGHT = 6;
/** How long the process may take to accept calls. */
const START_DEADLINE_MS = 20_000;

const LOG_SETTINGS = `
appenders: {stdout: {kind: console}}
root: {level: error, appenders: [stdout]}
`;

type ExecutorClient = RpcClient<typeof ExecutorServiceService>;

interface ExpectedBlock {
  readonly block: Block;
  readonly root: string;
}

/** Blocks that create contracts and count slots up, with their roots. */
async function expectedBlocks(count: number): Promise<ExpectedBlock[]> {
  const parts = await loadChainParts();
  const [sm3] = parts.hashes as [HashFunction];
  const test = new TestChain(parts, sm3);
  return Array.from({ length: count }, (_, height) => {
    const data = deploy(`60005460010160005560${(height % 256).toString(16).padStart(2, "0")}00`);
    const block = test.build(Array(height === 0 ? 0 : TRANSACTIONS_PER_BLOCK).fill({ data }));
    const executed = test.execute(block);
    assert(executed.kind === "executed");
    return { block, root: toHex(executed.header.stateRoot) };
  });
}

/** Sends a block until the process, which may be starting, answers it. */
async function sendWhenServing(executor: ExecutorClient, block: Block) {
  const giveUpMs = performance.now() + START_DEADLINE_MS;
  while (true) {
    try {
      return await executor.exec(block);
    } catch (error) {
      if (!(error instanceof RpcFault) || performance.now() > giveUpMs) throw error;
    }
  }
}

/** Sends blocks from the last answered one on, each after the answer to the one before. */
async function sendInTurn(
  executor: ExecutorClient,
  blocks: readonly ExpectedBlock[],
  { answered, end }: { answered: number; end: number },
): Promise<void> {
  for (let index = Math.max(answered - 1, 0); index < end; index++) {
    const { block, root } = blocks[index]!;
    const { status, hash } = await sendWhenServing(executor, block);
    // a block that was not answered may be on disk all the same
    const isKnown = status?.code === StatusCode.ReenterBlock;
    assert(isKnown || (index >= answered && status?.code === StatusCode.Success), `block ${index}`);
    assert.equal(toHex(hash?.hash ?? EMPTY_BYTES), root, `block ${index}`);
  }
}

/** Kills the process as soon as the first of several blocks that it got at once is answered. */
async function killAmid(
  process: Deno.ChildProcess,
  executor: ExecutorClient,
  blocks: readonly ExpectedBlock[],
): Promise<void> {
  const answers = blocks.map(({ block }) => executor.exec(block));
  await Promise.race(answers);
  process.kill("SIGKILL");
  await Promise.allSettled(answers);
}

async function assertReceipts(port: number, blocks: readonly ExpectedBlock[]): Promise<void> {
  const queries = connect(RPCServiceService, { port });
  try {
    for (const { block: { body, header } } of blocks) {
      for (const raw of body?.body ?? []) {
        const hash = rawTransactionHash(raw) ?? EMPTY_BYTES;
        const { blockNumber } = await queries.getTransactionReceipt({ hash });
        assert.equal(blockNumber, header?.height);
      }
    }
  } finally {
    queries.close();
  }
}

/** What the configuration says about old states; 16 is the least that "full" allows. */
const MODES = { archive: "", full: 'sync_mode = "full"\nstates_kept = 16\n' } as const;

for (const [mode, keys] of Object.entries(MODES)) {
  Deno.test(`an executor killed amid its work goes on with the same roots and all receipts, ${mode}`, () =>
    withTempFolder(async (folder) => {
      const blocks = await expectedBlocks((KILLS + 1) * BLOCKS_PER_ROUND);
      const port = freePort();
      const config = `[executor_evm]\nexecutor_port = ${port}\n${keys}`;
      await Deno.writeTextFile(`${folder}/config.toml`, config);
      await Deno.writeTextFile(`${folder}/executor-log4rs.yaml`, LOG_SETTINGS);
      const executor = connect(ExecutorServiceService, { port });
      let process = startService("executor", folder);
      try {
        let answered = 0;
        for (let round = 0; round < KILLS; round++) {
          const end = answered + BLOCKS_PER_ROUND - BLOCKS_IN_FLIGHT;
          await sendInTurn(executor, blocks, { answered, end });
          answered = end;
          await killAmid(process, executor, blocks.slice(end, end + BLOCKS_IN_FLIGHT));
          await process.status;
          process = startService("executor", folder);
        }
        await sendInTurn(executor, blocks, { answered, end: blocks.length });
        await assertReceipts(port, blocks);
        process.kill("SIGTERM");
        assert.equal((await process.status).code, 0);
      } finally {
        executor.close();
        try {
          process.kill("SIGKILL");
        } catch {
          // it ended as it should
        }
      }
    }));
}
