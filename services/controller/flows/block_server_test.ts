import assert from "node:assert/strict";
import { SyncBlockRequest } from "../../../proto/gen/sync.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { MessageType, MODULE } from "../node_manager/mod.ts";
import { testNode } from "../testing/test_node.ts";

/** A node with blocks whose answers are recorded by session. */
async function servingNode() {
  const node = await testNode();
  const controller = await node.start();
  await node.produce(3);
  const ask = (origin: bigint, startHeight = 1n, endHeight = 3n) =>
    controller.processNetworkMsg({
      module: MODULE,
      type: MessageType.SyncBlock,
      origin,
      msg: encode(SyncBlockRequest, { startHeight, endHeight }),
    });
  const answered = () =>
    node.network.sent.filter(({ type }) => type === MessageType.SyncBlockRespond)
      .map(({ origin }) => Number(origin));
  return { ask, answered, clock: node.clock };
}

Deno.test("A peer that floods a node with requests for blocks does not keep others waiting", async () => {
  const { ask, answered, clock } = await servingNode();
  for (let i = 0; i < 1_000; i++) ask(1n);
  for (const origin of [2n, 3n, 2n]) ask(origin);
  await clock.settle();
  assert.deepEqual(answered().slice(0, 6), [1, 1, 2, 3, 1, 2]);
  assert.equal(answered().filter((origin) => origin === 1).length, 17, "one in work, 16 waiting");
});

Deno.test("Requests for blocks wait for a bounded number of peers", async () => {
  const { ask, answered, clock } = await servingNode();
  for (let origin = 1n; origin <= 1_000n; origin++) ask(origin);
  await clock.settle();
  assert.equal(answered().length, 257);
  ask(1_000n);
  await clock.settle();
  assert.equal(answered().at(-1), 1_000, "there is room again");
});
