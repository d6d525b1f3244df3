import assert from "node:assert/strict";
import { fromHex } from "../../shared/bytes/mod.ts";
import { assertNodesAgree } from "./agreement.ts";
import { DevChain } from "./dev_chain.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

const COUNT = 200;
const TIMEOUT_MS = 60_000;

async function keepPool(chain: DevChain, node: number): Promise<void> {
  const path = `${chain.nodeFolder(node)}/config.toml`;
  const config = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, config.replace("[controller]\n", "$&tx_persistence = true\n"));
}

Deno.test("a node that is killed while it makes no blocks executes all that it accepted, once", async () => {
  await using chain = await DevChain.start({ crypto: "sm", nodes: 1, blockInterval: 1 });
  await chain.killNode(0);
  await keepPool(chain, 0);
  await chain.startNode(0);
  await chain.waitForGrowth(1n, TIMEOUT_MS);
  const consensus = (await chain.processIds(0)).get("consensus");
  assert(consensus !== undefined);
  Deno.kill(consensus, "SIGKILL");

  const sender = await Sender.create(chain);
  const height = await chain.height(0);
  await Promise.all(Array.from({ length: COUNT }, () => sender.send(0)));
  assert.equal(sender.accepted.size, COUNT);
  assert(await chain.height(0) <= height + 1n, "no block takes them before the end");
  await chain.killNode(0);
  await chain.startNode(0);

  for (const hash of sender.accepted) {
    await waitFor(() => chain.node(0).evm.getTransactionReceipt({ hash: fromHex(hash) }), {
      what: `the receipt of ${hash}`,
      timeoutMs: TIMEOUT_MS,
    });
  }
  // it fails when one is in two blocks
  const executed = await assertNodesAgree(chain);
  for (const hash of sender.accepted) assert(executed.has(hash), `${hash} is in a block`);
});
