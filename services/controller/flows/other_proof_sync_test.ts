import assert from "node:assert/strict";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { SyncBlockRequest, SyncBlockRespond } from "../../../proto/gen/sync.ts";
import { type Bytes, concatBytes, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { decode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import { SYNC_TIMEOUT_MS } from "../sync/mod.ts";
import { changeAnswers } from "../testing/changed_answers.ts";
import type { SentMessage } from "../testing/fake_network.ts";
import { produceBlock, proofOf, testNet, type TestNode } from "../testing/test_node.ts";

const HASH = await loadSm3();

/** The height of which the late node has another proof than the others. */
const PARTED = 3n;

/** A net in which the last node stopped at height 3 with its own proof; the others go on. */
async function netWithPartedNode(count = 3) {
  const net = await testNet(count);
  const late = net.nodes[count - 1];
  const others = net.nodes.slice(0, -1);
  const [first] = others;
  assert(late !== undefined && first !== undefined);
  for (const node of net.nodes) await node.run();
  await net.clock.settle();
  for (let i = 0; i < 2; i++) await produceBlock(net.nodes);
  const { proposal } = await first.controller.getProposal();
  assert(proposal !== undefined);
  late.network.loses = () => true;
  await late.controller.commitBlock(proposal, proofOf(HASH, proposal));
  await net.clock.settle();
  late.stop();
  late.network.loses = () => false;
  for (const node of others) {
    await node.controller.commitBlock(proposal, proofOf(HASH, proposal, { round: 1 }));
  }
  await net.clock.settle();
  for (let i = 0; i < 16; i++) await produceBlock(others);
  await net.clock.settle();
  late.network.sent.length = 0;
  /** Starts the late node again; it learns of the others with their next block, number 20. */
  const wake = async () => {
    await late.run();
    await net.clock.settle();
    await produceBlock(others);
  };
  return { ...net, late, others, first, wake };
}

/** Whether a message asks for the block that the late node has. */
function isQuestion({ type, msg }: SentMessage): boolean {
  if (type !== MessageType.SyncBlock) return false;
  const { startHeight, endHeight } = decode(SyncBlockRequest, msg);
  return startHeight === PARTED && endHeight === PARTED;
}

/** Whom the node asked for that block, by session. */
function questions({ network }: TestNode): bigint[] {
  return network.sent.filter(isQuestion).map(({ origin }) => origin);
}

/** Whether a message brings that block. */
function answersQuestion({ type, msg }: SentMessage): boolean {
  if (type !== MessageType.SyncBlockRespond) return false;
  const { respond } = decode(SyncBlockRespond, msg);
  return respond?.$case === "ok" && respond.value.syncBlocks[0]?.header?.height === PARTED;
}

function proofAt({ storage }: TestNode): string {
  return toHex(storage.read(Regions.PROOF, u64be(PARTED)).value);
}

/** Changes the copy of the block that the late node has. */
function ofTip(change: (block: Block) => Partial<Block>): (block: Block) => Block {
  return (block) => block.header?.height === PARTED ? { ...block, ...change(block) } : block;
}

function withProof(change: (proof: Bytes) => Bytes): (block: Block) => Block {
  return (block) => ({ ...block, proof: change(block.proof) });
}

Deno.test("A node with another proof of its tip catches up and has the others' proof then", async () => {
  const { clock, late, first, wake } = await netWithPartedNode();
  assert.notEqual(proofAt(late), proofAt(first));
  await wake();
  assert(await clock.advanceUntil(() => late.height === 20n, 10_000), `${late.height}`);
  assert.deepEqual(late.storage.records, first.storage.records);
  assert.equal(questions(late).length, 1);
});

Deno.test("A node asks for no other proof when its own one is the chain's", async () => {
  const { clock, late, others, wake } = await netWithPartedNode();
  await wake();
  await clock.advanceUntil(() => late.height === 20n, 10_000);
  late.stop();
  late.network.sent.length = 0;
  for (let i = 0; i < 4; i++) await produceBlock(others);
  await wake(); // one more
  assert(await clock.advanceUntil(() => late.height === 25n, 10_000), `${late.height}`);
  const requests = late.network.sent.filter(({ type }) => type === MessageType.SyncBlock)
    .map(({ msg }) => decode(SyncBlockRequest, msg).startHeight);
  assert(requests.length > 0 && requests.every((height) => height > 20n), `${requests}`);
});

const LIES: Readonly<Record<string, (block: Block) => Block>> = {
  "no proof": ofTip(() => ({ proof: new Uint8Array() })),
  "a forged proof": ofTip(({ proof }) => ({ proof: proof.map((byte) => byte ^ 1) })),
  "another block": ofTip(({ header }) => ({ header: header && { ...header, timestamp: 1n } })),
  "a good proof that the next block does not contain": ofTip(({ proof }) => ({
    proof: concatBytes(proof.subarray(0, 32), new Uint8Array([9])),
  })),
  "a wrong next block": (block) =>
    block.header?.height === PARTED ? block : withProof((proof) => proof.map((b) => b ^ 1))(block),
};

for (const [name, change] of Object.entries(LIES)) {
  Deno.test(`A node with another proof of its tip is not misled by ${name}`, async () => {
    const { clock, late, others, first, wake } = await netWithPartedNode();
    const [liar] = others;
    assert(liar !== undefined);
    const stopLying = changeAnswers(liar, (blocks) => blocks.map(change));
    const honest = others.filter((node) => node !== liar);
    for (const { network } of honest) network.isAway = true;
    const before = proofAt(late);
    await wake();
    // longer than any punishment of the first minutes
    await clock.advance(300_000);
    assert.equal(late.height, PARTED);
    assert.equal(proofAt(late), before);
    const asked = questions(late).length;
    assert(asked >= 1 && asked <= 6, `asked ${asked} times`);
    for (const { network } of honest) network.isAway = false;
    stopLying();
    for (let i = 0; i < 60 && late.height !== first.height; i++) {
      await produceBlock(others);
      await clock.advance(10_000);
    }
    assert.deepEqual(late.storage.records, first.storage.records);
  });

  Deno.test(`A node with another proof of its tip leaves a peer for another: ${name}`, async () => {
    const { clock, late, others, wake } = await netWithPartedNode(4);
    const [liar, , honest] = others;
    assert(liar !== undefined && honest !== undefined);
    changeAnswers(liar, (blocks) => blocks.map(change));
    await wake();
    assert(await clock.advanceUntil(() => late.height === 20n, 120_000), `${late.height}`);
    assert.deepEqual(late.storage.records, honest.storage.records);
    const asked = questions(late);
    assert.equal(new Set(asked).size, asked.length, "nobody is asked twice");
  });
}

Deno.test("A node asks again for the copy of its tip when the answer is lost", async () => {
  const { clock, late, others, wake } = await netWithPartedNode(2);
  const [peer] = others;
  assert(peer !== undefined);
  let lost = 0;
  peer.network.loses = (message) => {
    if (lost >= 2 || !answersQuestion(message)) return false;
    lost++;
    return true;
  };
  await wake();
  const limitMs = 3 * SYNC_TIMEOUT_MS;
  assert(await clock.advanceUntil(() => late.height === 20n, limitMs), `${late.height}`);
  assert.equal(lost, 2);
});

Deno.test("A node with another proof of its tip waits for its own services", async () => {
  for (const service of ["consensus", "storage"] as const) {
    const { clock, late, wake } = await netWithPartedNode(2);
    late.network.loses = (message) => {
      if (isQuestion(message)) late[service].isAway = true;
      return false;
    };
    await wake();
    await clock.advance(20_000);
    assert.equal(late.height, PARTED);
    late[service].isAway = false;
    assert(await clock.advanceUntil(() => late.height === 20n, 5_000), `${late.height}`);
    assert.equal(questions(late).length, 1);
  }
});

Deno.test("A node with another proof of its tip restarts while it asks for a copy", async () => {
  const { clock, late, others, first, wake } = await netWithPartedNode();
  for (const { network } of others) {
    network.loses = answersQuestion;
  }
  await wake();
  await clock.advance(5_000);
  late.stop();
  assert.equal(late.height, PARTED);
  for (const { network } of others) network.loses = () => false;
  await wake();
  assert(await clock.advanceUntil(() => late.height === 21n, 60_000), `${late.height}`);
  assert.deepEqual(late.storage.records, first.storage.records);
});
