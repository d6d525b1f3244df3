import assert from "node:assert/strict";
import { Block } from "../../../proto/gen/blockchain.ts";
import { EMPTY_BYTES, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { RpcFault } from "../../../shared/rpc/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy } from "../testing/code.ts";
import { type ServedExecutor, serveExecutor } from "../testing/served_executor.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { TestChain } from "../testing/test_chain.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

async function statusOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return "ok";
  } catch (error) {
    assert(error instanceof RpcFault, String(error));
    return `${error.code} ${error.details}`;
  }
}

const address = (hex: string) => ({ address: fromHex(hex), blockNumber: undefined });
const hash = (hex: string) => ({ hash: fromHex(hex) });

async function badQueries({ executor, queries }: ServedExecutor): Promise<void> {
  const call = { to: EMPTY_BYTES, from: EMPTY_BYTES, method: EMPTY_BYTES, args: [], height: 0n };
  const valid = { ...call, to: new Uint8Array(20) };
  const sized = "it must have 20 bytes, got";
  const cases: readonly [Promise<unknown>, string][] = [
    [executor.call(call), `3 Cannot use to: ${sized} 0`],
    [executor.call({ ...valid, to: new Uint8Array(21) }), `3 Cannot use to: ${sized} 21`],
    [executor.call({ ...valid, from: new Uint8Array(1) }), `3 Cannot use from: ${sized} 1`],
    [executor.call(valid), "ok"],
    [queries.estimateQuota({ ...valid, to: new Uint8Array(2) }), `3 Cannot use to: ${sized} 2`],
    [queries.getCode(address("01")), `3 Cannot use address: ${sized} 1`],
    [queries.getBalance(address("")), "3 Address is none"],
    [queries.getTransactionCount(address("01")), `3 Cannot use address: ${sized} 1`],
    [queries.getAbi(address("01".repeat(32))), `3 Cannot use address: ${sized} 32`],
    [queries.getTransactionReceipt(hash("")), "3 Cannot use hash: it must have 32 bytes, got 0"],
    [queries.getTransactionReceipt(hash("00".repeat(32))), "3 Not get the receipt"],
    [queries.estimateQuota({ ...valid, method: fromHex("fe") }), "3 estimate quota failed"],
  ];
  const statuses = await Promise.all(cases.map(([answer]) => statusOf(answer)));
  assert.deepEqual(statuses, cases.map(([, expected]) => expected));
}

/** Blocks that cannot be executed, each made from a good one. */
function badBlocks(good: Block): readonly [string, Block, string][] {
  const header = good.header!;
  const raw = good.body!.body[0]!;
  assert(raw.tx?.$case === "normalTx");
  const normal = raw.tx.value;
  const withHeader = (change: Partial<typeof header>) => ({
    ...good,
    header: { ...header, ...change },
  });
  const withTx = (change: Partial<typeof normal>): Block => ({
    ...good,
    body: { body: [{ tx: { $case: "normalTx", value: { ...normal, ...change } } }] },
  });
  const transaction = normal.transaction!;
  const bytes = (size: number) => new Uint8Array(size);
  return [
    ["header", { ...good, header: undefined }, "114"],
    ["a variant", { ...good, body: { body: [raw, { tx: undefined }] } }, "113"],
    ["prevhash", withHeader({ prevhash: bytes(31) }), "header.prevhash"],
    ["root", withHeader({ transactionsRoot: bytes(0) }), "header.transactions_root"],
    ["proposer", withHeader({ proposer: bytes(32) }), "header.proposer"],
    ["to", withTx({ transaction: { ...transaction, to: bytes(19) } }), "transaction.to"],
    ["value", withTx({ transaction: { ...transaction, value: bytes(33) } }), "transaction.value"],
    ["witness", withTx({ witness: undefined }), "witness"],
    ["sender", withTx({ witness: { signature: bytes(0), sender: bytes(0) } }), "witness.sender"],
    ["hash", withTx({ transactionHash: bytes(20) }), "transaction_hash"],
    ["transaction", withTx({ transaction: undefined }), "transaction"],
    ["gap", withHeader({ height: 9n }), "503"],
    ["the highest height", withHeader({ height: 2n ** 64n - 1n }), "503"],
    ["parent", withHeader({ prevhash: bytes(32) }), "503"],
  ];
}

Deno.test("the served executor answers what ends the process of the reference", () =>
  withTempFolder(async (folder) => {
    await using served = await serveExecutor({ path: `${folder}/data` });
    await badQueries(served);
    const test = new TestChain(parts, sm3);
    const genesis = test.build();
    test.execute(genesis);
    assert.equal((await served.executor.exec(genesis)).status?.code, 0);
    const short = { ...genesis, header: { ...genesis.header!, proposer: new Uint8Array(19) } };
    assert.match(await statusOf(served.executor.exec(short)), /^3 Cannot use header.proposer/);

    const good = test.build([{ data: "6001600055" }]);
    for (const [name, block, expected] of badBlocks(good)) {
      const answer = served.executor.exec(block).then(({ status, hash }) => {
        assert.equal(hash, undefined, name);
        return String(status?.code);
      });
      const told = await answer.catch(() => statusOf(served.executor.exec(block)));
      assert(
        told === expected || told.startsWith(`3 Cannot use ${expected}: `),
        `${name}: ${told}`,
      );
    }
    const executed = test.execute(good);
    assert(executed.kind === "executed");
    const { status, hash } = await served.executor.exec(good);
    assert.equal(status?.code, 0);
    assert.equal(toHex(hash?.hash ?? EMPTY_BYTES), toHex(executed.header.stateRoot));
    await badQueries(served);
  }));

Deno.test("the served executor ends calls and estimates that never end, and says by which key", () =>
  withTempFolder(async (folder) => {
    const keys = { call_time_limit_ms: 1 };
    await using served = await serveExecutor({ path: `${folder}/data`, keys });
    const test = new TestChain(parts, sm3);
    for (const transactions of [[], [{ data: deploy("5b600056") }]]) {
      const block = test.build(transactions);
      test.execute(block);
      assert.equal((await served.executor.exec(block)).status?.code, 0);
    }
    // made by the first transaction of the sender
    const to = fromHex("3c952d36207c0d52743a646e7ac2649009bd358e");
    const request = { to, from: EMPTY_BYTES, method: EMPTY_BYTES, args: [], height: 0n };
    const limit = /^4 Cannot answer .*call_time_limit_ms of \[executor_evm\], 1 ms$/;
    assert.match(await statusOf(served.executor.call(request)), limit);
    assert.match(await statusOf(served.queries.estimateQuota(request)), limit);
  }));
