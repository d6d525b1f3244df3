import assert from "node:assert/strict";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";
import { loadChainParts } from "../testing/chain_parts.ts";
import { serveExecutor } from "../testing/served_executor.ts";
import { withTempFolder } from "../testing/temp_folder.ts";
import { TestChain } from "../testing/test_chain.ts";

const PREFIX = "cita_cloud_executor";

Deno.test("an executor shows its blocks, their phases, its calls and its process", () =>
  withTempFolder(async (folder) => {
    const metricsPort = freePort();
    await using served = await serveExecutor({
      path: `${folder}/data`,
      keys: { metrics_port: metricsPort },
    });
    const read = async () => await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const value = async (name: string) =>
      new RegExp(`^${PREFIX}_${name} (.*)$`, "m").exec(await read())?.[1] ?? null;
    assert.equal(await value("block_height"), null, "before the genesis");
    assert.equal(await value("blocks_total"), "0");

    const parts = await loadChainParts();
    const [sm3] = parts.hashes as [HashFunction];
    const test = new TestChain(parts, sm3);
    const to = "07".repeat(20);
    for (const txs of [[], [{ to }, { to }], [{ to }]]) {
      const block = test.build(txs);
      test.execute(block);
      await served.executor.exec(block);
      await served.executor.exec(block); // known already: not counted again
    }
    assert.equal(await value("block_height"), "2");
    assert.equal(await value("blocks_total"), "3");
    assert.equal(await value("block_transactions_total"), "3");
    assert.equal(await value("quota_used_total"), String(3 * 21_000));
    assert.equal(await value("waiting_blocks"), "0");
    assert.equal(await value("waiting_calls"), "0");
    assert.equal(await value("state_entries"), "2", "the sender, and nobody");
    assert(Number(await value("state_nodes")) > 0);
    for (const phase of ["execute", "commit", "write"]) {
      assert.equal(await value(`block_seconds_count\\{phase="${phase}"\\}`), "3", phase);
    }
    assert.equal(await value('rpc_duration_seconds_count\\{method="Exec"\\}'), "6");
    assert.match(await read(), /^process_resident_memory_bytes \d+$/m);
  }));
