import assert from "node:assert/strict";
import type { RawTransaction } from "../../../proto/gen/blockchain.ts";
import { encodeProposal, rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { assembleBlock } from "../chain/mod.ts";
import { LockId, NO_PRE_HASH } from "../system_config/mod.ts";
import { blockBody, normalTx, transaction, utxoTx } from "../testing/builders.ts";
import { proofOf, testNet, type TestNode, testNode } from "../testing/test_node.ts";

const HASH = await loadSm3();

/** Admitted under the limit of 100 blocks that the chains of the tests begin with. */
const LONG = normalTx(HASH, transaction("1", { validUntilBlock: 11n }));

/** Executes the transaction in block 1, which lowers the limit to 3, and makes 7 more. */
async function lowerLimit(node: TestNode): Promise<void> {
  await node.controller.send(LONG);
  await node.controller.send(limitChange(3n));
  await node.produce(8);
}

function limitChange(limit: bigint): RawTransaction {
  return utxoTx(HASH, { lockId: LockId.BlockLimit, output: u64be(limit) });
}

/** The next block as a node of 6.3 makes it, which has forgotten block 1. */
function replayProposal({ controller, clock }: TestNode) {
  const { tip } = controller.node.chain;
  const block = assembleBlock({
    tip,
    proposer: new Uint8Array(20),
    nowMs: BigInt(clock.nowMs()),
    body: blockBody(HASH, [LONG]),
  });
  const data = encodeProposal({ preStateRoot: tip.stateRoot, preProof: tip.proof, block });
  return { height: tip.height + 1n, data };
}

Deno.test("a lowered block limit lets no transaction be admitted or voted for twice", async () => {
  const node = await testNode();
  await node.start();
  await lowerLimit(node);
  for (let restarts = 0; restarts < 2; restarts++) {
    assert.equal((await node.controller.send(LONG)).code, StatusCode.HistoryDupTx);
    assert.equal((await node.controller.sendBatch([LONG])).code, StatusCode.HistoryDupTx);
    const voted = await node.controller.checkProposal(replayProposal(node));
    assert.equal(voted, StatusCode.HistoryDupTx);
    node.stop();
    await node.start();
  }
});

Deno.test("a block that nodes of 6.3 decided under a lowered limit is stored and synced", async () => {
  const { nodes: [voter, behind], clock } = await testNet(2);
  assert(voter !== undefined && behind !== undefined);
  await voter.start();
  await lowerLimit(voter);
  const proposal = replayProposal(voter);
  const { code } = await voter.controller.commitBlock(proposal, proofOf(HASH, proposal));
  assert.equal(code, StatusCode.Success);
  await voter.run();
  await behind.run();
  assert(await clock.advanceUntil(() => behind.height === voter.height, 10_000));
});

Deno.test("a restarted node remembers what it would if it had gone on", async () => {
  const limits = [[9n, 4], [2n, 3], [6n, 2], [1n, 3], [20n, 9]] as const;
  const node = await testNode();
  await node.start();
  const sent: string[] = [];
  let preTxHash = NO_PRE_HASH;
  for (const [limit, blocks] of limits) {
    const change = utxoTx(HASH, { lockId: LockId.BlockLimit, output: u64be(limit), preTxHash });
    preTxHash = hashOf(change);
    await node.controller.send(change);
    for (let i = 0; i < blocks; i++) {
      const validUntilBlock = node.height + 2n;
      const raw = normalTx(HASH, transaction(`${sent.length}`, { validUntilBlock }));
      await node.controller.send(raw);
      sent.push(toHex(hashOf(raw)));
      await node.produce(1);
    }
    const before = node.controller.node.history;
    node.stop();
    await node.start();
    const { history } = node.controller.node;
    assert.equal(history.count, before.count);
    for (const key of sent) assert.equal(history.has(key), before.has(key));
  }
});

function hashOf(raw: RawTransaction): Bytes {
  return rawTransactionHash(raw) ?? EMPTY_BYTES;
}
