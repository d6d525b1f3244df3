import assert from "node:assert/strict";
import { assertNodesAgree } from "./agreement.ts";
import { Counter, receiptOf } from "./counter.ts";
import { DevChain } from "./dev_chain.ts";

/** Two block intervals and a margin for two busy cores. */
const FINAL_TIMEOUT_MS = 30_000;
const CATCH_UP_TIMEOUT_MS = 60_000;
const NODES = 4;
const KILLED = 3;

for (const crypto of ["sm", "eth"] as const) {
  Deno.test(`the Counter quickstart runs on a four-node ${crypto} chain that loses a node`, async () => {
    await using chain = await DevChain.start({ crypto, nodes: NODES });
    const account = JSON.parse(await chain.cldi(0, "account", "generate", "--name", "user"));
    assert.equal(account.crypto_type, crypto.toUpperCase());

    const counter = await Counter.deploy(chain, "user");
    assert.equal(await counter.count(0), 0n);
    const first = await counter.add(1);
    for (const node of chain.nodes()) await receiptOf(chain, first, node);
    for (const node of chain.nodes()) assert.equal(await counter.count(node), 1n, `node ${node}`);

    await chain.killNode(KILLED);
    const survivors = chain.nodes([KILLED]);
    const second = await counter.add(2);
    for (const node of survivors) await receiptOf(chain, second, node);
    const grown = await chain.height(0) + 3n;
    await chain.waitForHeight(grown, FINAL_TIMEOUT_MS, survivors);

    await chain.startNode(KILLED);
    await chain.waitForHeight(await chain.height(0), CATCH_UP_TIMEOUT_MS);
    await receiptOf(chain, second, KILLED);
    const third = await counter.add(KILLED);
    for (const node of chain.nodes()) await receiptOf(chain, third, node);
    assert.equal(await counter.count(KILLED), 3n);
    await assertNodesAgree(chain);
  });
}
