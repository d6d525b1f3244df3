import assert from "node:assert/strict";
import { toHex } from "../../../shared/bytes/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import { address } from "../testing/builders.ts";
import { produceBlock, testPair } from "../testing/test_node.ts";

const DAY_MS = 24 * 3_600_000;

for (const [direction, jumpMs] of [["back", -DAY_MS], ["ahead", DAY_MS]] as const) {
  Deno.test(`A node whose clock jumps ${direction} by a day goes on making and fetching blocks`, async () => {
    const { a, b, clock } = await testPair();
    await a.run();
    await b.run();
    await clock.settle();
    for (let i = 0; i < 3; i++) await produceBlock([a, b]);
    await clock.settle();
    b.stop();
    for (let i = 0; i < 30; i++) await produceBlock([a]);
    // the answers to what b asks before the jump are lost
    let isLost = true;
    const { network } = a;
    const send = network.send.bind(network);
    network.send = (origin, type, msg) =>
      isLost && type === MessageType.SyncBlockRespond
        ? Promise.resolve(0)
        : send(origin, type, msg);
    await b.run();
    await produceBlock([a]);
    await clock.advance(1_000);
    assert(b.network.sentTypes.includes(MessageType.SyncBlock));
    assert.equal(b.height, 3n);
    clock.jump(jumpMs);
    isLost = false;
    assert(await clock.advanceUntil(() => b.height === a.height, 20_000), "it asks again");
    for (let i = 0; i < 3; i++) await produceBlock([b, a]);
    assert.equal(b.height, a.height);
  });

  Deno.test(`A peer that misbehaved is free after 30 s although the clock jumps ${direction}`, async () => {
    const { a, b, clock } = await testPair();
    await a.run();
    const { peers } = a.controller.node;
    peers.misbehave(toHex(address(2)), clock.monotonicMs());
    clock.jump(jumpMs);
    await b.run();
    await clock.settle();
    assert.deepEqual(peers.nodes(), [], "it is still ignored");
    await clock.advance(30_000);
    b.stop();
    await b.run();
    await clock.settle();
    assert.equal(peers.nodes().length, 1);
  });
}
