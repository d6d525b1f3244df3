import assert from "node:assert/strict";
import { type Proposal } from "../../../proto/gen/common.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { decodeProposal, encodeProposal } from "../../../shared/block/mod.ts";
import { type Bytes, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode, statusName } from "../../../shared/status/mod.ts";
import type { Ports } from "../ports.ts";
import { normalTx, transaction } from "../testing/builders.ts";
import { produceBlock, proofOf, type TestNode, testNode } from "../testing/test_node.ts";

const HASH = await loadSm3();

/** The nodes of {@linkcode parted}. */
interface Parted {
  /** Has the proof of round 0. */
  readonly node: TestNode;
  /** Has the proof that the others have too. */
  readonly other: TestNode;
  readonly ownProof: Bytes;
  readonly otherProof: Bytes;
}

/** Two nodes at height 2 whose proofs of block 2 differ. */
async function parted(): Promise<Parted> {
  const node = await testNode(1);
  const other = await testNode(2);
  await node.start();
  await other.start();
  await produceBlock([other, node]);
  await other.controller.send(normalTx(HASH, transaction("1")));
  const { proposal } = await other.controller.getProposal();
  assert(proposal !== undefined);
  const [ownProof, otherProof] = [proofOf(HASH, proposal), proofOf(HASH, proposal, { round: 1 })];
  assert.equal((await node.controller.commitBlock(proposal, ownProof)).code, 0);
  assert.equal((await other.controller.commitBlock(proposal, otherProof)).code, 0);
  return { node, other, ownProof, otherProof };
}

async function propose(node: TestNode): Promise<Proposal> {
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  return proposal;
}

async function check(node: TestNode, proposal: Proposal): Promise<string> {
  return statusName(await node.controller.checkProposal(proposal));
}

function proofAt({ storage }: TestNode, height: bigint): string {
  return toHex(storage.read(Regions.PROOF, u64be(height)).value);
}

function proofsStored({ storage }: TestNode): number {
  return storage.log.filter(({ region }) => region === Regions.PROOF).length;
}

type Parts = NonNullable<ReturnType<typeof decodeProposal>>;

/** The proposal with other parts around its block. */
function altered(proposal: Proposal, change: (parts: Parts) => Partial<Parts>): Proposal {
  const parts = decodeProposal(proposal.data);
  assert(parts !== null);
  const { preStateRoot, preProof, proposal: block } = { ...parts, ...change(parts) };
  assert(block !== undefined);
  return { ...proposal, data: encodeProposal({ preStateRoot, preProof, block }) };
}

Deno.test("checkProposal() accepts another proof of the tip and asks for it once", async () => {
  const { node, other, ownProof } = await parted();
  const proposal = await propose(other);
  assert.equal(await check(node, proposal), "Success");
  assert.equal(node.consensus.checkCount, 1);
  await other.clock.advance(10);
  assert.equal(await check(node, await propose(other)), "Success");
  assert.equal(node.consensus.checkCount, 1, "it is remembered");
  assert.equal(proofAt(node, 2n), toHex(ownProof), "nothing is decided yet");
  const own = decodeProposal((await propose(node)).data);
  assert.deepEqual(own?.preProof, ownProof);
  assert.equal(await check(other, await propose(node)), "Success");
});

Deno.test("checkProposal() asks nobody when the proofs are equal", async () => {
  const node = await testNode(1);
  const other = await testNode(2);
  await node.start();
  await other.start();
  for (let i = 0; i < 3; i++) await produceBlock([other, node]);
  assert.equal(node.consensus.checkCount, 0);
  assert.equal(proofsStored(node), 0);
});

Deno.test("checkProposal() refuses what is no proof of the tip", async () => {
  const { node, other, otherProof } = await parted();
  const good = await propose(other);
  const wrong = otherProof.map((byte) => byte ^ 1);
  const forged = altered(good, () => ({ preProof: wrong }));
  assert.equal(await check(node, forged), "ProposalCheckError");
  assert.equal(await check(node, forged), "ProposalCheckError");
  assert.equal(node.consensus.checkCount, 2);
  const without: Proposal[] = [
    altered(good, () => ({ preProof: new Uint8Array() })),
    altered(good, () => ({ preStateRoot: new Uint8Array(32) })),
    altered(good, ({ proposal }) => ({
      proposal: proposal && {
        ...proposal,
        header: proposal.header && { ...proposal.header, prevhash: new Uint8Array(32) },
      },
    })),
    altered(good, ({ proposal }) => ({ proposal: proposal && { ...proposal, header: undefined } })),
  ];
  for (const proposal of without) assert.equal(await check(node, proposal), "ProposalCheckError");
  assert.equal(node.consensus.checkCount, 2, "nobody is asked about the others");
  assert.equal(await check(node, good), "Success");
});

Deno.test("checkProposal() knows no other proof of genesis and of a block of raft", async () => {
  const node = await testNode(1);
  const other = await testNode(2);
  await node.start();
  await other.start();
  node.consensus.provesAll = true;
  for (let i = 0; i < 2; i++) {
    const proposal = await propose(other);
    const forged = altered(proposal, () => ({ preProof: new Uint8Array(33) }));
    assert.equal(await check(node, forged), "ProposalCheckError");
    assert.equal(await check(node, proposal), "Success");
    for (const each of [node, other]) {
      await each.controller.commitBlock(proposal, new Uint8Array());
    }
  }
  assert.equal(node.consensus.checkCount, 0);
  assert.equal(node.height, 2n);
});

Deno.test("checkProposal() names the service that keeps it from checking a proof", async () => {
  const { node, other } = await parted();
  const proposal = await propose(other);
  node.consensus.isAway = true;
  assert.equal(await check(node, proposal), "ConsensusServerNotReady");
  node.consensus.isAway = false;
  node.storage.isAway = true;
  assert.equal(await check(node, proposal), "StorageServerNotReady");
  node.storage.isAway = false;
  assert.equal(await check(node, proposal), "Success");
});

Deno.test("checkProposal() does not hold the lock while consensus looks at a proof", async () => {
  const { node, other, otherProof } = await parted();
  const answer = Promise.withResolvers<void>();
  const checkBlock = node.consensus.checkBlock.bind(node.consensus);
  node.consensus.checkBlock = async (block) => {
    await answer.promise;
    return await checkBlock(block);
  };
  const proposal = await propose(other);
  const checking = node.controller.checkProposal(proposal);
  const { code } = await node.controller.commitBlock(proposal, proofOf(HASH, proposal));
  assert.equal(code, StatusCode.Success);
  answer.resolve();
  assert.equal(statusName(await checking), "ProposalTooLow");
  assert.equal(proofAt(node, 2n), toHex(otherProof));
});

Deno.test("commitBlock() stores the proof that the block decides upon", async () => {
  const { node, other, otherProof } = await parted();
  await produceBlock([other, node]);
  assert.equal(proofAt(node, 2n), toHex(otherProof));
  assert.equal(proofsStored(node), 1);
  assert.equal(proofsStored(other), 0);
  await produceBlock([node, other]);
  assert.deepEqual(node.storage.records, other.storage.records);
  assert.equal(proofsStored(node), 1);
});

Deno.test("commitBlock() writes nothing of the block when the proof cannot be stored", async () => {
  const { node, other, ownProof } = await parted();
  const proposal = await propose(other);
  node.storage.isAway = true;
  const proof = proofOf(HASH, proposal);
  assert.equal((await node.controller.commitBlock(proposal, proof)).code, 600);
  assert.equal(node.wal.records.length, 0);
  assert.equal(node.executor.executions.length, 3);
  assert.equal(proofAtRest(node, 2n), toHex(ownProof));
  node.storage.isAway = false;
  assert.equal((await node.controller.commitBlock(proposal, proof)).code, 0);
});

/** As {@linkcode proofAt} while the service is away. */
function proofAtRest({ storage }: TestNode, height: bigint): string {
  const bytes = storage.records.get(`${Regions.PROOF}/${toHex(u64be(height))}`);
  return toHex(bytes ?? new Uint8Array());
}

/** Lets a number of writes through, then nothing comes back any more. */
function crashAfter(writes: number): {
  readonly wrap: (ports: Ports) => Ports;
  readonly crashed: Promise<null>;
} {
  const { promise: crashed, resolve } = Promise.withResolvers<null>();
  let left = writes;
  const effect = <Result>(run: () => Promise<Result>): Promise<Result> => {
    if (left-- > 0) return run();
    resolve(null);
    return new Promise(() => {});
  };
  const wrap = (ports: Ports): Ports => ({
    ...ports,
    storage: {
      load: (region, key) => ports.storage.load(region, key),
      store: (record) => effect(() => ports.storage.store(record)),
    },
    executor: {
      exec: (block) => ports.executor.exec(block),
    },
    wal: {
      load: () => ports.wal.load(),
      append: (height, block) => effect(() => ports.wal.append(height, block)),
      clear: () => effect(() => ports.wal.clear()),
    },
  });
  return { wrap, crashed };
}

Deno.test("A node heals from a crash around the change of a proof", async () => {
  let points = 0;
  for (let isFinished = false; !isFinished; points++) {
    const { node, other, ownProof, otherProof } = await parted();
    node.stop();
    // the first write of a start is the cleared log
    const { wrap, crashed } = crashAfter(1 + points);
    await node.start(wrap);
    const proposal = await propose(other);
    const proof = proofOf(HASH, proposal);
    const outcome = await Promise.race([node.controller.commitBlock(proposal, proof), crashed]);
    isFinished = outcome !== null;
    node.stop();
    await node.start();
    const wanted = points === 0 ? ownProof : otherProof;
    assert.equal(proofAt(node, 2n), toHex(wanted), `point ${points}`);
    assert.equal(node.height, points < 2 ? 2n : 3n, `point ${points}`);
    // consensus repeats it, or the node has it
    assert.equal((await node.controller.commitBlock(proposal, proof)).code, 0);
    assert.equal((await other.controller.commitBlock(proposal, proof)).code, 0);
    await produceBlock([node, other]);
    await produceBlock([other, node]);
    assert.deepEqual(node.storage.records, other.storage.records, `point ${points}`);
  }
  assert(points > 6, `there were ${points} crash points`);
});

Deno.test("A node goes on with the stored proof after a crash before the next block", async () => {
  const { node, other, otherProof } = await parted();
  node.stop();
  const { wrap, crashed } = crashAfter(2);
  await node.start(wrap);
  const lost = await propose(other);
  await Promise.race([node.controller.commitBlock(lost, proofOf(HASH, lost)), crashed]);
  node.stop();
  await node.start();
  assert.deepEqual(node.controller.node.chain.tip.proof, otherProof);
  // a proposer with the other proof is as welcome as before
  await other.clock.advance(10);
  await produceBlock([node, other]);
  assert.deepEqual(node.storage.records, other.storage.records);
});
