import assert from "node:assert/strict";
import type { Block, RawTransaction } from "../../../proto/gen/blockchain.ts";
import { decodeProposal, encodeProposal } from "../../../shared/block/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { ExecutorPort, Ports } from "../ports.ts";
import { LockId } from "../system_config/mod.ts";
import { normalTx, transaction, utxoTx } from "../testing/builders.ts";
import { produceBlock, proofOf, type TestNode, testNode } from "../testing/test_node.ts";

const HASH = await loadSm3();

function transfers(from: number, count: number): RawTransaction[] {
  return Array.from(
    { length: count },
    (_, index) => normalTx(HASH, transaction(String(from + index))),
  );
}

/** An executor that holds back its answers until it is let go. */
function slowExecutor(node: TestNode) {
  let isHeld = false;
  let letGo = () => {};
  const exec: ExecutorPort["exec"] = async (encoded) => {
    const executed = await node.executor.exec(encoded);
    if (isHeld) await new Promise<void>((resolve) => letGo = resolve);
    return executed;
  };
  return {
    wrap: (ports: Ports): Ports => ({ ...ports, executor: { exec } }),
    hold: () => void (isHeld = true),
    letGo: () => {
      isHeld = false;
      letGo();
    },
  };
}

/** A node with two transactions to a block, which executes as slowly as the test wants. */
async function started(): Promise<{ node: TestNode; executor: ReturnType<typeof slowExecutor> }> {
  const node = await testNode(1, { packageLimit: 2 });
  const executor = slowExecutor(node);
  await node.start(executor.wrap);
  return { node, executor };
}

async function proposed(node: TestNode): Promise<Block> {
  const { proposal } = await node.controller.getProposal();
  const block = decodeProposal(proposal?.data ?? new Uint8Array())?.proposal;
  assert(block !== undefined);
  return block;
}

/** Commits a block, and does something while it is executed. */
async function commitWith(
  { node, executor }: Awaited<ReturnType<typeof started>>,
  whileExecuting: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  executor.hold();
  const committed = node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  await node.clock.advance(1);
  await whileExecuting();
  executor.letGo();
  assert.equal((await committed).code, StatusCode.Success);
}

Deno.test("The next block is packed while its parent is executed, without what that holds", async () => {
  const test = await started();
  const { node } = test;
  const raws = transfers(1, 5);
  await node.controller.sendBatch(raws);
  const { pool } = node.controller.node;
  const inTurns = pool.inTurns.bind(pool);
  let packedCount = 0;
  pool.inTurns = (stopped) => {
    packedCount++;
    return inTurns(stopped);
  };
  await commitWith(test, () => {
    assert.equal(packedCount, 2, "the parent and, ahead, the next one");
    return Promise.resolve();
  });
  const block = await proposed(node);
  assert.deepEqual(block.body?.body, raws.slice(2, 4));
  assert.equal(packedCount, 2, "what was packed ahead is used");
  const { tip } = node.controller.node.chain;
  assert.equal(block.header?.height, 2n);
  assert.deepEqual(block.header?.prevhash, tip.hash);
});

Deno.test("A block that has room takes what arrives while its parent is executed", async () => {
  const test = await started();
  const [first, second, late] = transfers(1, 3);
  assert(first !== undefined && second !== undefined && late !== undefined);
  await test.node.controller.sendBatch([first, second]);
  await commitWith(test, async () => {
    await test.node.controller.send(late);
  });
  assert.deepEqual((await proposed(test.node)).body?.body, [late]);
});

Deno.test("A brake in a block keeps transactions out of the one prepared behind it", async () => {
  const test = await started();
  const brake = utxoTx(HASH, { lockId: LockId.EmergencyBrake, output: new Uint8Array(1) });
  await test.node.controller.sendBatch([...transfers(1, 5), brake]);
  await commitWith(test);
  assert.deepEqual((await proposed(test.node)).body?.body, []);
  const off = utxoTx(HASH, {
    lockId: LockId.EmergencyBrake,
    preTxHash: brake.tx?.value.transactionHash ?? new Uint8Array(),
  });
  assert.equal((await test.node.controller.send(off)).code, StatusCode.Success);
  assert.deepEqual((await proposed(test.node)).body?.body, [off]);
});

Deno.test("What was packed ahead of a block that is not stored after all is thrown away", async () => {
  const test = await started();
  const { node, executor } = test;
  const raws = transfers(1, 5);
  await node.controller.sendBatch(raws);
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  executor.hold();
  const committed = node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  await node.clock.advance(1);
  node.storage.isFull = true;
  executor.letGo();
  assert.notEqual((await committed).code, StatusCode.Success);
  node.storage.isFull = false;
  const again = await proposed(node);
  assert.equal(again.header?.height, 1n);
  assert.deepEqual(again.body?.body, raws.slice(0, 2));
});

Deno.test("A proposal is encoded and stored as its block would be by another node", async () => {
  const test = await started();
  const { node } = test;
  const other = await testNode(2, { packageLimit: 2 });
  await other.start();
  await node.controller.sendBatch(transfers(1, 5));
  for (let i = 0; i < 3; i++) {
    const proposal = await produceBlock([node, other]);
    const parts = decodeProposal(proposal.data);
    assert(parts?.proposal !== undefined);
    const { preStateRoot, preProof, proposal: block } = parts;
    assert.deepEqual(encodeProposal({ preStateRoot, preProof, block }), proposal.data);
    await node.clock.advance(1);
  }
  assert.deepEqual(node.storage.records, other.storage.records);
});

Deno.test("A block is never older than its parent, whatever the clock says, also after a restart", async () => {
  const { node } = await started();
  const { header } = await proposed(node);
  await node.produce(1);
  node.clock.jump(-3_600_000);
  assert.equal((await proposed(node)).header?.timestamp, header?.timestamp);
  node.stop();
  await node.start();
  assert.equal((await proposed(node)).header?.timestamp, header?.timestamp);
  node.clock.jump(7_200_000);
  assert.equal((await proposed(node)).header?.timestamp, BigInt(node.clock.nowMs()));
});
