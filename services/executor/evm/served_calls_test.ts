import assert from "node:assert/strict";
import { EMPTY_BYTES, fromHex } from "../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { RpcFault } from "../../../shared/rpc/mod.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { deploy, push } from "../testing/code.ts";
import { serveExecutor } from "../testing/served_executor.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { TestChain } from "../testing/test_chain.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

/** Made by the first transaction of the sender (spec/executor_evm.md, 17.3). */
const CONTRACT = fromHex("3c952d36207c0d52743a646e7ac2649009bd358e");
/** Without data never ends, with data returns 4 MB. */
const CODE = `366008575b6004565b${push(4_000_000)}6000f3`;

const call = { to: CONTRACT, from: EMPTY_BYTES, method: EMPTY_BYTES, args: [], height: 0n };
const shortCall = { ...call, method: Uint8Array.of(1) };

Deno.test("calls that never end keep out neither queries nor the 64th call", async () => {
  await withTempFolder(async (folder) => {
    const keys = { call_time_limit_ms: 50 };
    await using served = await serveExecutor({ path: `${folder}/data`, keys });
    const { executor, queries } = served;
    const test = new TestChain(parts, sm3);
    for (const txs of [[], [{ data: deploy(CODE) }]]) {
      const block = test.build(txs);
      test.execute(block);
      await executor.exec(block);
    }
    // all further answers are assumed to be as large
    assert.equal((await executor.call(shortCall)).value.length, 4_000_000);
    let ended = 0;
    const endless = Array.from(
      { length: 63 },
      () => assert.rejects(queries.estimateQuota(call), RpcFault).then(() => ended++),
    );
    await queries.estimateQuota(shortCall); // behind them on the same connection
    const { byteCode } = await queries.getCode({ address: CONTRACT, blockNumber: undefined });
    assert.equal(byteCode.length, CODE.length / 2);
    assert.equal(ended, 0);
    await Promise.all(endless);
  });
});
