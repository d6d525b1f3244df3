import assert from "node:assert/strict";
import { fromHex } from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { DevChain } from "./dev_chain.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

const NODES = 4;
const INTERVAL_MS = 3_000;
const BLOCKS_TIMEOUT_MS = 60_000;
/** Heights in which nodes that started apart come into step. */
const FIRST_HEIGHT = 5n;
const LAST_HEIGHT = 12n;

Deno.test("the default chain makes a block each interval, and a transaction is final within two", async () => {
  await using chain = await DevChain.start({ crypto: "sm", nodes: NODES });
  const sender = await Sender.create(chain);
  await chain.waitForHeight(FIRST_HEIGHT, BLOCKS_TIMEOUT_MS);

  for (const node of chain.nodes()) {
    const sentMs = SYSTEM_CLOCK.monotonicMs();
    const hash = fromHex(await sender.send(node));
    const finalMs = await Promise.all(
      chain.nodes().map(async (other) => {
        await waitFor(() => chain.node(other).evm.getTransactionReceipt({ hash }), {
          what: `on node ${other}, the receipt of a transaction sent to node ${node}`,
          timeoutMs: BLOCKS_TIMEOUT_MS,
        });
        return SYSTEM_CLOCK.monotonicMs() - sentMs;
      }),
    );
    const slowestMs = Math.max(...finalMs);
    assert(slowestMs <= 2 * INTERVAL_MS, `sent to node ${node}: final after ${finalMs} ms`);
  }

  await chain.waitForHeight(LAST_HEIGHT, BLOCKS_TIMEOUT_MS);
  const { controller } = chain.node(0);
  const timestamps: number[] = [];
  for (let blockNumber = FIRST_HEIGHT; blockNumber <= LAST_HEIGHT; blockNumber++) {
    const { header } = await controller.getBlockByNumber({ blockNumber });
    timestamps.push(Number(header?.timestamp));
  }
  const spanMs = (timestamps.at(-1) ?? 0) - (timestamps[0] ?? 0);
  const meanMs = spanMs / (timestamps.length - 1);
  // a round that is lost on a busy machine costs less than one interval
  assert(Math.abs(meanMs - INTERVAL_MS) < 400, `mean ${meanMs} ms: ${timestamps}`);
});
