import assert from "node:assert/strict";
import { RawTransactions } from "../../../proto/gen/blockchain.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { normalTx, transaction } from "../testing/builders.ts";
import { produceBlock, type TestNode, testPair } from "../testing/test_node.ts";

const HASH = await loadSm3();

/** How many transactions a node told its peers of, in all of its messages. */
function toldCount({ network }: TestNode): number {
  const lists = network.sent.filter(({ type }) => type === "send_txs");
  const singles = network.sent.filter(({ type }) => type === "send_tx").length;
  const inLists = lists.map(({ msg }) => decode(RawTransactions, msg).body.length);
  return inLists.reduce((sum, count) => sum + count, singles);
}

Deno.test("A transaction whose message got lost is told again after ten blocks, until it is in one", async () => {
  const { a, b, nodes, clock } = await testPair();
  for (const node of nodes) await node.run();
  await clock.advance(1_000);
  a.network.loses = ({ type }) => type === "send_tx";
  await a.controller.send(normalTx(HASH, transaction("1")));
  await clock.advance(1_000);
  assert.equal(b.controller.node.pool.count, 0);

  // a does not validate: no block is ever its own
  for (let height = 0; height < 9; height++) await produceBlock([b, a]);
  await clock.advance(2_000);
  assert.equal(toldCount(a), 1);
  await produceBlock([b, a]);
  await clock.advance(2_000);
  assert.equal(toldCount(a), 2);
  assert.equal(b.controller.node.pool.count, 1);

  await produceBlock([b, a]);
  for (let height = 0; height < 12; height++) await produceBlock([b, a]);
  await clock.advance(2_000);
  assert.equal(toldCount(a), 2);
  assert.equal(a.controller.node.pool.count, 0);
});
