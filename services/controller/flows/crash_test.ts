import assert from "node:assert/strict";
import { Block } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { encodeProposal } from "../../../shared/block/mod.ts";
import { EMPTY_BYTES, u32be, u64be } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { LockId } from "../system_config/mod.ts";
import { normalTx, transaction, utxoTx } from "../testing/builders.ts";
import { CrashPoint } from "../testing/crash_point.ts";
import { proofOf, type TestNode, testNode, testPair } from "../testing/test_node.ts";

const HASH = await loadSm3();

/** Commits blocks until the node crashes; what was committed for certain. */
async function commitUntilCrash(node: TestNode, crash: CrashPoint): Promise<bigint> {
  let committed = 0n;
  const change = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
  const preTxHash = change.tx?.value.transactionHash ?? new Uint8Array();
  const second = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(7), preTxHash });
  const batches = [[normalTx(HASH, transaction("1"))], [change], [second], []];
  const life = async () => {
    const controller = await node.start(crash.wrap);
    for (const raws of batches) {
      for (const raw of raws) await controller.send(raw);
      const { proposal } = await controller.getProposal();
      assert(proposal !== undefined);
      await controller.commitBlock(proposal, proofOf(HASH, proposal));
      committed = proposal.height;
    }
    return "finished" as const;
  };
  const outcome = await Promise.race([life(), crash.crashed]);
  node.stop();
  return outcome === "finished" ? -1n : committed;
}

Deno.test("A node heals from a crash before any of its writes", async () => {
  let points = 0;
  for (;; points++) {
    const node = await testNode();
    const crash = new CrashPoint(points);
    const committed = await commitUntilCrash(node, crash);
    if (committed < 0n) break;
    const controller = await node.start();
    const { tip } = controller.node.chain;
    // the block that was being stored is finished, none is lost
    assert(tip.height === committed || tip.height === committed + 1n, `point ${points}`);
    assert.equal(node.storage.height, tip.height);
    assert.equal(node.executor.executions.length, Number(tip.height) + 1);
    assert.equal(node.wal.records.length, 0);
    const config = controller.queries.systemConfig();
    const interval = tip.height < 2n ? 3 : tip.height < 3n ? 6 : 7;
    assert.equal(config.blockInterval, interval, `point ${points}, height ${tip.height}`);
    await node.produce(2);
    assert.equal(node.height, tip.height + 2n);
    // and again, with nothing left over
    node.stop();
    await node.start();
    assert.equal(node.height, tip.height + 2n);
  }
  assert(points > 40, `there were ${points} crash points`);
});

Deno.test("A node heals from a crash during the recovery from a crash", async () => {
  // point 12 is within the first start, those from 20 on within commits
  for (const first of [5, 12, 20, 23, 31, 34, 38, 40]) {
    for (let second = 0; second < 8; second++) {
      const node = await testNode();
      const committed = await commitUntilCrash(node, new CrashPoint(first));
      assert(committed >= 0n);
      const crash = new CrashPoint(second);
      await Promise.race([node.start(crash.wrap), crash.crashed]);
      node.stop();
      await node.start();
      const { height } = node;
      assert(height === committed || height === committed + 1n);
      await node.produce(1);
      assert.equal(node.height, height + 1n);
    }
  }
});

Deno.test("A block is finished at the next start while services come and go", async () => {
  const node = await testNode();
  await node.start();
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  node.executor.isAway = true;
  const refused = await node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  assert.equal(refused.code, 500);
  assert.equal(refused.config.height, 1n);
  assert.equal(node.wal.records.length, 1);
  node.stop();
  node.executor.isAway = false;
  await node.start();
  assert.equal(node.height, 1n);
});

Deno.test("A commit that failed halfway succeeds when consensus repeats it", async () => {
  const node = await testNode();
  await node.start();
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  const proof = proofOf(HASH, proposal);
  node.storage.isAway = true;
  assert.equal((await node.controller.commitBlock(proposal, proof)).code, 600);
  node.storage.isAway = false;
  assert.equal((await node.controller.commitBlock(proposal, proof)).code, 0);
  assert.equal(node.height, 1n);
  assert.equal(node.executor.executions.length, 2);
});

Deno.test("A commit brings an executor up to date that was wiped meanwhile", async () => {
  const node = await testNode();
  await node.start();
  await node.produce(4);
  node.executor.executions = [];
  await node.produce(1);
  assert.equal(node.executor.executions.length, 6);
});

/** A chain of five blocks, and a node that has none of them. */
async function netToFollow() {
  const { a: ahead, b: late, clock } = await testPair();
  await ahead.run();
  const change = utxoTx(HASH, { lockId: LockId.BlockInterval, output: u32be(6) });
  for (const raws of [[], [normalTx(HASH, transaction("1"))], [change], [], []]) {
    for (const raw of raws) await ahead.controller.send(raw);
    await ahead.produce(1);
  }
  return { ahead, late, clock };
}

Deno.test("A node heals from a crash before any write of a block that it fetched", async () => {
  let points = 0;
  for (;; points++) {
    const { ahead, late, clock } = await netToFollow();
    const crash = new CrashPoint(points);
    const life = async () => {
      const controller = await late.start(crash.wrap);
      controller.run();
      await clock.advanceUntil(() => late.height === 5n, 20_000);
      return "finished" as const;
    };
    const outcome = await Promise.race([life(), crash.crashed]);
    late.stop();
    if (outcome === "finished") break;
    await late.run();
    assert(await clock.advanceUntil(() => late.height === 5n, 60_000), `point ${points}`);
    assert.deepEqual(late.executor.executions, ahead.executor.executions);
    assert.equal(late.controller.queries.systemConfig().blockInterval, 6);
    ahead.stop();
    late.stop();
  }
  assert(points > 30, `there were ${points} crash points`);
});

Deno.test("A block that consensus could not commit and a peer sent is done at the next start", async () => {
  const { ahead, late, clock } = await netToFollow();
  await late.start();
  const stored = ahead.storage.read(Regions.FULL_BLOCK, u64be(1n)).value;
  const block = decode(Block, stored);
  const preProof = late.controller.node.chain.tip.proof;
  const preStateRoot = late.controller.node.chain.tip.stateRoot;
  const data = encodeProposal({ preStateRoot, preProof, block: { ...block, proof: EMPTY_BYTES } });
  late.executor.isAway = true;
  const committed = await late.controller.commitBlock({ height: 1n, data }, block.proof);
  assert.equal(committed.code, StatusCode.ExecuteServerNotReady);
  assert.equal(late.wal.records.length, 1);
  late.executor.isAway = false;
  late.controller.run();
  assert(await clock.advanceUntil(() => late.height === 5n, 60_000));
  late.stop();
  await late.start();
  assert.equal(late.height, 5n);
  assert.equal(late.wal.records.length, 0);
  assert.deepEqual(late.executor.executions, ahead.executor.executions);
});
