import assert from "node:assert/strict";
import { fromHex, to0xHex } from "../../shared/bytes/mod.ts";
import { assertNodesAgree } from "./agreement.ts";
import { compileCounter, COUNTER } from "./counter.ts";
import { DevChain } from "./dev_chain.ts";
import { waitFor } from "./wait.ts";

/** Two block intervals and a margin for two busy cores. */
const FINAL_TIMEOUT_MS = 30_000;
const CATCH_UP_TIMEOUT_MS = 60_000;
const NODES = 4;
const KILLED = 3;

/** Waits for the receipt of a transaction on one node. */
function receiptOf(chain: DevChain, transactionHash: string, node: number) {
  return waitFor(
    () => chain.node(node).evm.getTransactionReceipt({ hash: fromHex(transactionHash) }),
    { what: `the receipt of ${transactionHash} on node ${node}`, timeoutMs: FINAL_TIMEOUT_MS },
  );
}

/** Deploys Counter through node 0; gives the contract's address. */
async function deployCounter(chain: DevChain, account: string): Promise<string> {
  const creation = await chain.cldi(0, "-u", account, "create", await compileCounter());
  assert.match(creation, /^0x[0-9a-f]{64}$/);
  const receipt = await receiptOf(chain, creation, 0);
  assert.equal(receipt.errorMessage, "");
  return to0xHex(receipt.contractAddress);
}

for (const crypto of ["sm", "eth"] as const) {
  Deno.test(`the Counter quickstart runs on a four-node ${crypto} chain that loses a node`, async () => {
    await using chain = await DevChain.start({ crypto, nodes: NODES });
    const account = JSON.parse(await chain.cldi(0, "account", "generate", "--name", "user"));
    assert.equal(account.crypto_type, crypto.toUpperCase());

    const counter = await deployCounter(chain, "user");
    const count = async (node: number) =>
      BigInt(await chain.cldi(node, "-u", "user", "call", counter, COUNTER.count));
    const add = (node: number) => chain.cldi(node, "-u", "user", "send", counter, COUNTER.add);

    assert.equal(await count(0), 0n);
    const first = await add(1);
    for (const node of chain.nodes()) await receiptOf(chain, first, node);
    for (const node of chain.nodes()) assert.equal(await count(node), 1n, `node ${node}`);

    await chain.killNode(KILLED);
    const survivors = chain.nodes([KILLED]);
    const second = await add(2);
    for (const node of survivors) await receiptOf(chain, second, node);
    const grown = await chain.height(0) + 3n;
    await chain.waitForHeight(grown, FINAL_TIMEOUT_MS, survivors);

    await chain.startNode(KILLED);
    await chain.waitForHeight(await chain.height(0), CATCH_UP_TIMEOUT_MS);
    await receiptOf(chain, second, KILLED);
    const third = await add(KILLED);
    for (const node of chain.nodes()) await receiptOf(chain, third, node);
    assert.equal(await count(KILLED), 3n);
    await assertNodesAgree(chain);
  });
}
