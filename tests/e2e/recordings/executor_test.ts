import assert from "node:assert/strict";
import { Address, Hash } from "../../../proto/gen/common.ts";
import { ByteCode } from "../../../proto/gen/evm.ts";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { freePort } from "../../free_ports.ts";
import { Player, withFolder } from "./player.ts";
import { readJson, readLines, type RecordedCall } from "./recordings.ts";

const EXEC = "/executor.ExecutorService/Exec";
const RECEIPT = "/evm.RPCService/GetTransactionReceipt";
const CODE = "/evm.RPCService/GetCode";

const FUZZ_FILE = "executor/fuzz_sm3_15seeds.json.gz";

/** Seeds of the test suite; `FUZZ_SEEDS=15` plays all that were recorded. */
const FUZZ_SEEDS = Number(Deno.env.get("FUZZ_SEEDS") ?? 3);

interface RecordedBlock {
  readonly label?: string;
  readonly height: number;
  readonly block_hex: string;
  readonly response_hex?: string;
  readonly txs: readonly {
    readonly label: string;
    readonly tx_hash: string;
    readonly receipt_hex?: string;
    readonly grpc_error?: { readonly code: number; readonly details: string };
  }[];
}

interface RecordedRun {
  readonly blocks: readonly RecordedBlock[];
  readonly calls: readonly (RecordedCall & { readonly after_height: number })[];
}

interface FuzzRun {
  readonly seed: number;
  readonly blocks: readonly {
    readonly height: number;
    readonly block_hex: string;
    readonly state_root: string;
    readonly status: number;
    readonly receipts: readonly string[];
  }[];
  readonly final_codes: readonly (readonly [address: string, code: string | null])[];
}

interface RecordedChain {
  readonly exec: readonly { readonly request_hex: string; readonly response_hex: string }[];
  readonly receipts: readonly { readonly tx_hash: string; readonly receipt_hex?: string }[];
  readonly calls: readonly RecordedCall[];
}

/** A block of a height that is not next: the reference dies (executor_evm.md, 14). */
const TOO_HIGH = "too high";

async function startExecutor(folder: string, extra = ""): Promise<Player> {
  const port = freePort();
  const config = `[executor_evm]\nexecutor_port = ${port}\n${extra}`;
  return await Player.start({ role: "executor", folder, config, port });
}

async function expectExec(executor: Player, block: RecordedBlock): Promise<void> {
  const { label = `block ${block.height}`, block_hex: request_hex, response_hex } = block;
  if (label === TOO_HIGH) {
    const answer = await executor.call(EXEC, fromHex(request_hex));
    assert(!("hex" in answer) || !answer.hex.startsWith("0a00"), "a gap is not executed");
    return;
  }
  assert(response_hex !== undefined);
  await executor.expect({ label, method: EXEC, request_hex, response_hex });
}

async function expectReceipts(executor: Player, block: RecordedBlock): Promise<void> {
  for (const { label, tx_hash, receipt_hex, grpc_error } of block.txs) {
    const request_hex = toHex(encode(Hash, { hash: fromHex(tx_hash) }));
    const answer = grpc_error === undefined ? { response_hex: receipt_hex ?? "" } : { grpc_error };
    await executor.expect({ label, method: RECEIPT, request_hex, ...answer });
  }
}

async function expectCalls(executor: Player, run: RecordedRun, height: number): Promise<void> {
  for (const call of run.calls) {
    if (call.after_height === height) await executor.expect(call);
  }
}

/** Whether the executor was stopped, killed or left alone before a block. */
type Interruption = "none" | "SIGTERM" | "SIGKILL";

const INTERRUPTIONS: Readonly<Record<number, Interruption>> = { 6: "SIGKILL", 12: "SIGTERM" };

async function playRun(folder: string, run: RecordedRun, extra: string): Promise<void> {
  let executor = await startExecutor(folder, extra);
  try {
    await expectCalls(executor, run, -1);
    for (const block of run.blocks) {
      const interruption = INTERRUPTIONS[block.height] ?? "none";
      if (interruption !== "none") {
        if (interruption === "SIGKILL") await executor.kill();
        else assert.equal(await executor.stop(), 0);
        await executor[Symbol.asyncDispose]();
        executor = await startExecutor(folder, extra);
      }
      await expectExec(executor, block);
      await expectReceipts(executor, block);
      await expectCalls(executor, run, block.height);
    }
    for (const block of run.blocks) await expectReceipts(executor, block);
    assert.equal(await executor.stop(), 0);
  } finally {
    await executor[Symbol.asyncDispose]();
  }
}

const RUNS = [
  { file: "executor/evm_sm3.json.gz", extra: "" },
  { file: "executor/evm_sm3_ethcompat.json.gz", extra: "eth_compatibility = true\n" },
];

for (const { file, extra } of RUNS) {
  Deno.test(`bin/executor answers ${file} as recorded, stopped and killed on the way`, async () => {
    const run = await readJson<RecordedRun>(file);
    assert.deepEqual([run.blocks.length, run.calls.length], [21, 22]);
    await withFolder((folder) => playRun(folder, run, extra));
  });
}

type FuzzBlock = FuzzRun["blocks"][number];

function execCall(seed: number, block: FuzzBlock): RecordedCall {
  return {
    label: `seed ${seed}, block ${block.height}`,
    method: EXEC,
    request_hex: block.block_hex,
    response_hex: `0a0012220a20${block.state_root}`,
  };
}

async function expectFuzzReceipts(executor: Player, block: FuzzBlock): Promise<void> {
  for (const receipt of block.receipts) {
    // a receipt starts with its transaction's hash, as field 1 of 32 bytes
    const request_hex = receipt.slice(0, 68);
    await executor.expect({ method: RECEIPT, request_hex, response_hex: receipt });
  }
}

Deno.test("bin/executor gives the recorded roots and receipts of random transactions", async () => {
  const runs = await readJson<FuzzRun[]>(FUZZ_FILE);
  for (const { seed, blocks, final_codes } of runs.slice(0, FUZZ_SEEDS)) {
    await withFolder(async (folder) => {
      await using executor = await startExecutor(folder);
      for (const block of blocks) {
        await executor.expect(execCall(seed, block));
        await expectFuzzReceipts(executor, block);
      }
      for (const [address, code] of final_codes) {
        const request_hex = toHex(encode(Address, { address: fromHex(address) }));
        const response_hex = toHex(encode(ByteCode, { byteCode: fromHex(code ?? "") }));
        await executor.expect({ label: `seed ${seed}`, method: CODE, request_hex, response_hex });
      }
    });
  }
});

/** Milliseconds into the execution of a block at which the process is killed. */
const KILL_AFTER_MS = [0, 1, 2, 4, 6, 10, 15];

Deno.test("bin/executor killed while it executes goes on with the recorded results", async () => {
  const [, run] = await readJson<FuzzRun[]>(FUZZ_FILE);
  assert(run !== undefined);
  await withFolder(async (folder) => {
    for (const [index, block] of run.blocks.entries()) {
      const call = execCall(run.seed, block);
      await using killed = await startExecutor(folder);
      const answer = killed.call(EXEC, fromHex(call.request_hex));
      await SYSTEM_CLOCK.sleep(KILL_AFTER_MS[index] ?? 0);
      await killed.kill();
      await answer;
      await using executor = await startExecutor(folder);
      const again = await executor.call(EXEC, fromHex(call.request_hex));
      const reentered = call.response_hex?.replace(/^0a00/, "0a0308f603");
      assert("hex" in again && [call.response_hex, reentered].includes(again.hex), `${call.label}`);
      await expectFuzzReceipts(executor, block);
      await executor.kill();
    }
    await using executor = await startExecutor(folder);
    for (const block of run.blocks) await expectFuzzReceipts(executor, block);
    assert.equal(await executor.stop(), 0);
  });
});

Deno.test("bin/executor executes the recorded chain, and knows it after SIGKILL", async () => {
  const chain = await readJson<RecordedChain>("executor/chain_single.json.gz");
  assert.deepEqual([chain.exec.length, chain.receipts.length], [48, 40]);
  await withFolder(async (folder) => {
    await using executor = await startExecutor(folder);
    for (const call of chain.exec) await executor.expect({ method: EXEC, ...call });
    await executor.kill();
    await using restarted = await startExecutor(folder);
    for (const { tx_hash, receipt_hex } of chain.receipts) {
      if (receipt_hex === undefined) continue;
      const request_hex = toHex(encode(Hash, { hash: fromHex(tx_hash) }));
      await restarted.expect({ method: RECEIPT, request_hex, response_hex: receipt_hex });
    }
    for (const call of chain.calls) await restarted.expect(call);
    const last = chain.exec.at(-2);
    assert(last !== undefined);
    const reentered = await restarted.call(EXEC, fromHex(last.request_hex));
    assert.deepEqual(reentered, { hex: `0a0308f603${last.response_hex.slice(4)}` });
    assert.equal(await restarted.stop(), 0);
  });
});

Deno.test("bin/executor executes the recorded four-node chain", async () => {
  const tap = await readLines<RecordedCall>("controller/raft_tap.jsonl.gz");
  const calls = tap.filter(({ method }) => method === EXEC);
  assert.equal(calls.length, 53);
  await withFolder(async (folder) => {
    await using executor = await startExecutor(folder);
    for (const call of calls) await executor.expect(call);
    assert.equal(await executor.stop(), 0);
  });
});
