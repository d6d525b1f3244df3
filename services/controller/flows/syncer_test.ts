import assert from "node:assert/strict";
import { ChainStatus } from "../../../proto/gen/sync.ts";
import type { Block } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { toHex, u64be } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import { GlobalKey, type StoreRecord } from "../chain/mod.ts";
import { SYNC_IMPATIENCE_MS, SYNC_TIMEOUT_MS } from "../sync/mod.ts";
import { ownStatus } from "./node.ts";
import { MessageType } from "../node_manager/mod.ts";
import { address, normalTx, transaction } from "../testing/builders.ts";
import { changeAnswers } from "../testing/changed_answers.ts";
import type { SentMessage } from "../testing/fake_network.ts";
import { produceBlock, testNet, type TestNode } from "../testing/test_node.ts";

const HASH = await loadSm3();

/** Nodes of which all but the last are at a height, with transactions in every block. */
async function netWithLateNode(count: number, height: number) {
  const net = await testNet(count);
  const late = net.nodes[count - 1];
  const others = net.nodes.slice(0, -1);
  assert(late !== undefined);
  for (const node of others) await node.run();
  await net.clock.settle();
  for (let i = 0; i < height; i++) {
    const changes = { validUntilBlock: BigInt(i + 50) };
    await others[0]?.controller.send(normalTx(HASH, transaction(`${i}`, changes)));
    await produceBlock(others);
  }
  await net.clock.settle();
  return { ...net, late, others };
}

function isHeight({ region, key }: StoreRecord): boolean {
  return region === Regions.GLOBAL && toHex(key) === toHex(u64be(GlobalKey.Height));
}

function sameTip(left: TestNode, right: TestNode): boolean {
  return left.height === right.height &&
    toHex(left.controller.node.chain.tip.hash) === toHex(right.controller.node.chain.tip.hash);
}

Deno.test("A fresh node catches up with a chain that is far ahead", async () => {
  const { clock, late, others } = await netWithLateNode(3, 230);
  const [first] = others;
  assert(first !== undefined);
  await late.run();
  assert(await clock.advanceUntil(() => late.height === 230n, 20_000), `${late.height}`);
  assert(sameTip(late, first));
  assert.equal(late.storage.height, 230n);
  assert.deepEqual(late.executor.executions, first.executor.executions);
  await clock.settle();
  assert(!late.controller.node.sync.isSyncing);
  const told = late.consensus.configurations.map(({ height }) => height);
  assert.deepEqual([told[0], told.at(-1)], [0n, 230n]);
  assert(told.every((height, i) => i === 0 || height > (told[i - 1] ?? 0n)), `${told}`);
  const heightStores = late.storage.log.filter(isHeight).length;
  assert(heightStores < 20, `the height was stored ${heightStores} times`);
  // and takes part from then on
  await produceBlock([...others, late]);
  assert.equal(late.height, 231n);
});

Deno.test("A node that was stopped catches up when it returns, and while others go on", async () => {
  const { clock, late, others } = await netWithLateNode(4, 3);
  await late.run();
  await clock.advanceUntil(() => late.height === 3n, 10_000);
  late.stop();
  for (let i = 0; i < 40; i++) await produceBlock(others);
  await late.run();
  for (let i = 0; i < 30; i++) {
    await produceBlock(others);
    await clock.advance(100);
  }
  assert(await clock.advanceUntil(() => late.height === 73n, 10_000), `${late.height}`);
});

const LIES: Readonly<Record<string, (blocks: Block[]) => Block[]>> = {
  "another proof": (blocks) => blocks.map((block) => ({ ...block, proof: new Uint8Array(32) })),
  "no transactions": (blocks) => blocks.map((block) => ({ ...block, body: { body: [] } })),
  "no body": (blocks) => blocks.map((block) => ({ ...block, body: undefined })),
  "no header in the second": (blocks) =>
    blocks.map((block, i) => i === 1 ? { ...block, header: undefined } : block),
  "another parent": (blocks) =>
    blocks.map((block) => ({
      ...block,
      header: block.header && { ...block.header, prevhash: new Uint8Array(32) },
    })),
  "nothing": () => [],
};

for (const [name, change] of Object.entries(LIES)) {
  Deno.test(`A node catches up although a peer lies: ${name}`, async () => {
    const { clock, late, others } = await netWithLateNode(3, 25);
    const [liar, honest] = others;
    assert(liar !== undefined && honest !== undefined);
    changeAnswers(liar, change);
    await late.run();
    assert(await clock.advanceUntil(() => late.height === 25n, 120_000), `${late.height}`);
    assert(sameTip(late, honest));
  });
}

Deno.test("A peer that claims to be higher than it is does not stop the node for long", async () => {
  const { clock, nodes } = await testNet(3);
  const [a, b, liar] = nodes;
  assert(a !== undefined && b !== undefined && liar !== undefined);
  for (const node of nodes) await node.run();
  await clock.settle();
  for (let i = 0; i < 3; i++) await produceBlock(nodes);
  await clock.settle();
  const claim = { ...ownStatus(liar.controller.node), height: 1_000_000n };
  liar.stop();
  await liar.network.broadcast(MessageType.ChainStatus, encode(ChainStatus, claim));
  await clock.settle();
  assert.equal(a.controller.node.sync.target?.address, toHex(address(3)));
  const proposes = async () => (await a.controller.getProposal()).code !== 139;
  assert(!await proposes());
  await clock.advance(SYNC_IMPATIENCE_MS);
  assert(await proposes(), "no block came, so the chain goes on");
  await clock.advance(SYNC_TIMEOUT_MS);
  assert.equal(a.controller.node.sync.target?.address, toHex(address(2)), "nor is it followed");
  assert.equal(a.height, 3n);
});

Deno.test("Lost requests and answers are asked for again", async () => {
  const { clock, late, others } = await netWithLateNode(3, 60);
  const random = seededRandom(7);
  const losesSome = ({ type }: SentMessage) => type.startsWith("sync_block") && random() < 0.4;
  for (const node of [...others, late]) node.network.loses = losesSome;
  await late.run();
  assert(await clock.advanceUntil(() => late.height === 60n, 1_200_000), `${late.height}`);
});

Deno.test("Nobody is punished while consensus or storage of the node itself is away", async () => {
  const { clock, late } = await netWithLateNode(2, 12);
  late.consensus.isAway = true;
  await late.run();
  await clock.advance(20_000);
  assert.equal(late.height, 0n);
  late.consensus.isAway = false;
  await clock.advanceUntil(() => late.height >= 5n, 20_000);
  late.storage.isAway = true;
  await clock.advance(20_000);
  late.storage.isAway = false;
  assert(await clock.advanceUntil(() => late.height === 12n, 60_000), `${late.height}`);
});

Deno.test("Nobody is punished while the disk of the node itself is full", async () => {
  const { clock, late } = await netWithLateNode(2, 12);
  late.consensus.isAway = true;
  await late.run();
  late.storage.isFull = true;
  late.consensus.isAway = false;
  await clock.advance(5_000);
  assert.equal(late.height, 0n);
  late.storage.isFull = false;
  assert(await clock.advanceUntil(() => late.height === 12n, 5_000), `${late.height}`);
});

Deno.test("A node restarts in the middle of catching up", async () => {
  const { clock, late } = await netWithLateNode(2, 80);
  await late.run();
  for (const height of [7n, 31n, 60n]) {
    await clock.advanceUntil(() => late.height >= height, 20_000);
    late.stop();
    await late.run();
  }
  assert(await clock.advanceUntil(() => late.height === 80n, 120_000), `${late.height}`);
});

Deno.test("A node asks somebody else when its peer has left", async () => {
  const { clock, late, others, networks } = await netWithLateNode(3, 100);
  await late.run();
  await clock.advanceUntil(() => late.height >= 10n, 20_000);
  const followed = late.controller.node.sync.target?.address;
  const gone = others.find(({ settings }) => toHex(settings.nodeAddress) === followed);
  assert(gone !== undefined);
  networks.leave(gone.network);
  assert(await clock.advanceUntil(() => late.height === 100n, 120_000), `${late.height}`);
});

Deno.test("A synced block that could not be stored is not verified again", async () => {
  const { clock, late } = await netWithLateNode(2, 1);
  await late.start();
  late.storage.isFull = true;
  late.controller.run();
  await clock.advance(5_000);
  assert.equal(late.height, 0n);
  late.storage.isFull = false;
  assert(await clock.advanceUntil(() => late.height === 1n, 10_000));
  assert.deepEqual(late.kms.checkedCounts, [1]);
});
