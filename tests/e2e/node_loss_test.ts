import assert from "node:assert/strict";
import { seededRandom, SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { assertNodesAgree } from "./agreement.ts";
import { DevChain } from "./dev_chain.ts";
import { Sender } from "./sender.ts";
import { waitFor } from "./wait.ts";

const SEED = Number(Deno.env.get("SEED") ?? 1);
/** Times that a node is killed while transactions come in. */
const KILLS = Number(Deno.env.get("KILLS") ?? 4);

const NODES = 4;
const INTERVAL_MS = 3_000;
/** Generous: two busy cores run 24 processes. */
const CATCH_UP_TIMEOUT_MS = 60_000;
/** How long a chain without a quorum is watched. */
const WATCH_MS = 3 * INTERVAL_MS;

/** Waits until the given nodes have a block that none has now. */
function waitForGrowth(chain: DevChain, nodes = chain.nodes()): Promise<void> {
  return chain.waitForGrowth(1n, CATCH_UP_TIMEOUT_MS, nodes);
}

/** Waits until every accepted transaction is in a block that all nodes have. */
async function assertAllExecutedOnce(chain: DevChain, sender: Sender): Promise<void> {
  await waitFor(async () => {
    const executed = await assertNodesAgree(chain);
    return [...sender.accepted].every((hash) => executed.has(hash)) ? true : null;
  }, { what: "a block with the last accepted transaction", timeoutMs: CATCH_UP_TIMEOUT_MS });
}

Deno.test(`a node killed ${KILLS} times under load catches up, no transaction is lost, seed ${SEED}`, async () => {
  await using chain = await DevChain.start({ crypto: "sm", nodes: NODES });
  const random = seededRandom(SEED);
  const sender = await Sender.create(chain);
  const stop = new AbortController();
  let killed = -1;
  // what only the killed node has in its pool is lost with it
  const sending = sender.sendUntil(stop.signal, () => chain.nodes([killed]));
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      killed = Math.floor(random() * NODES);
      await SYSTEM_CLOCK.sleep(random() * INTERVAL_MS);
      await chain.killNode(killed);
      // at once, or when the others have gone on without it
      if (kill % 2 === 1) await waitForGrowth(chain, chain.nodes([killed]));
      await chain.startNode(killed);
      await waitForGrowth(chain);
    }
  } finally {
    stop.abort();
    await sending;
  }
  assert(sender.accepted.size > 10 * KILLS, `${sender.accepted.size} transactions were accepted`);
  await assertAllExecutedOnce(chain, sender);
});

Deno.test("a chain without a quorum waits, and goes on when it has one, or after it lost all", async () => {
  await using chain = await DevChain.start({ crypto: "eth", nodes: NODES });
  const sender = await Sender.create(chain);
  await Promise.all([2, 3].map((node) => chain.killNode(node)));
  // a block that was on its way may still be decided
  await SYSTEM_CLOCK.sleep(INTERVAL_MS);
  const heights = () => Promise.all([0, 1].map((node) => chain.height(node)));
  const before = await heights();
  await sender.send(0);
  await SYSTEM_CLOCK.sleep(WATCH_MS);
  assert.deepEqual(await heights(), before, "two of four decide nothing");

  await chain.startNode(2);
  await waitForGrowth(chain, [0, 1, 2]);
  await chain.startNode(3);
  await waitForGrowth(chain);
  await assertAllExecutedOnce(chain, sender);

  for (let time = 0; time < 2; time++) {
    await Promise.all(chain.nodes().map((node) => chain.killNode(node)));
    await Promise.all(chain.nodes().map((node) => chain.startNode(node)));
    await waitForGrowth(chain);
  }
  await sender.send(3);
  await assertAllExecutedOnce(chain, sender);
});
