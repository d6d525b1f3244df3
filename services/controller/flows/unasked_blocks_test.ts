import assert from "node:assert/strict";
import { Block } from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { SyncBlockRespond } from "../../../proto/gen/sync.ts";
import { toHex, u64be } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import { SYNC_IMPATIENCE_MS, SYNC_TIMEOUT_MS } from "../sync/mod.ts";
import { changeAnswers, delayAnswers } from "../testing/changed_answers.ts";
import type { SentMessage } from "../testing/fake_network.ts";
import { produceBlock, testNet, type TestNode } from "../testing/test_node.ts";

/** Twice five requests of ten blocks: no more are asked for at once. */
const BUFFERED_MAX = 100;

const HEIGHT = 150n;

/** A peer that does as it likes, two honest ones, and a node that has nothing yet. */
async function netWithRogue() {
  const { nodes, clock } = await testNet(4);
  const [rogue, honest, other, late] = nodes;
  assert(rogue !== undefined && honest !== undefined && other !== undefined && late !== undefined);
  const others = [rogue, honest, other];
  for (const node of others) await node.run();
  await clock.settle();
  while (honest.height < HEIGHT) await produceBlock(others);
  await clock.settle();
  const warnings: string[] = [];
  let bufferedMax = 0;
  const info = (line: string) => {
    if (!line.startsWith("sync: insert_blocks")) return;
    bufferedMax = Math.max(bufferedMax, late.controller.node.sync.bufferedCount);
  };
  late.log = { ...SILENT_LOGGER, info, warn: (line) => void warnings.push(line) };
  const name = toHex(rogue.settings.nodeAddress);
  const punished = () =>
    warnings.flatMap((line) => line.match(/^set misbehavior node: 0x(.*)/)?.[1] ?? []);
  return {
    rogue,
    honest,
    other,
    late,
    clock,
    bufferedMax: () => bufferedMax,
    punished,
    isPunished: () => punished().includes(name),
    isKnown: () => late.controller.node.peers.nodes().some(({ address }) => address === name),
  };
}

function blockAt({ storage }: TestNode, height: bigint): Block {
  return decode(Block, storage.read(Regions.FULL_BLOCK, u64be(height)).value);
}

function heightOf({ header }: Block): bigint {
  return header?.height ?? 0n;
}

/** The same block in the wrong place. */
function moved(block: Block, by: bigint): Block {
  const { header } = block;
  return { ...block, header: header && { ...header, height: header.height + by } };
}

interface Answer {
  /** What the peer makes of the blocks that it was asked for. */
  readonly change: (blocks: Block[], rogue: TestNode) => Block[];
  /** Whether blocks were wrong, not just others than those that were asked for. */
  readonly isWrong?: true;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  "with a gap": { change: (blocks) => blocks.filter((_, i) => i !== 4) },
  "without the first": { change: (blocks) => blocks.slice(1) },
  "with the first only": { change: (blocks) => blocks.slice(0, 1) },
  "with none": { change: () => [] },
  "with more": {
    change: (blocks, rogue) => {
      const [first] = blocks;
      if (first === undefined) return [];
      const all: Block[] = [];
      for (let height = heightOf(first); height <= rogue.height; height++) {
        all.push(blockAt(rogue, height));
      }
      return all;
    },
  },
  "with those before": {
    change: (blocks, rogue) =>
      blocks.map((block) => blockAt(rogue, heightOf(block) > 10n ? heightOf(block) - 10n : 0n)),
  },
  "with those after": {
    change: (blocks, rogue) =>
      blocks.filter((block) => heightOf(block) + 10n <= rogue.height)
        .map((block) => blockAt(rogue, heightOf(block) + 10n)),
  },
  "with each twice": { change: (blocks) => blocks.flatMap((block) => [block, block]) },
  "backwards": { change: (blocks) => blocks.toReversed() },
  "with the first, the others backwards": {
    change: ([first, ...others]) => first === undefined ? [] : [first, ...others.toReversed()],
  },
  "with heights that nobody has": {
    change: (blocks) => blocks.map((block) => moved(block, 1_000_000n)),
  },
  "with others at these heights": {
    isWrong: true,
    change: (blocks, rogue) =>
      blocks.map((block) => moved(blockAt(rogue, heightOf(block) - 1n), 1n)),
  },
  "with each twice, once wrong": {
    isWrong: true,
    change: (blocks) => blocks.flatMap((block) => [block, { ...block, proof: new Uint8Array(32) }]),
  },
};

for (const [how, { change, isWrong = false }] of Object.entries(ANSWERS)) {
  Deno.test(`A node is not misled by a peer that answers ${how}`, async () => {
    const { rogue, honest, late, clock, bufferedMax, isPunished } = await netWithRogue();
    changeAnswers(rogue, (blocks) => change(blocks, rogue));
    await late.run();
    const limitMs = 2 * SYNC_IMPATIENCE_MS;
    assert(await clock.advanceUntil(() => late.height === HEIGHT, limitMs), `${late.height}`);
    await clock.settle();
    assert.deepEqual(late.storage.records, honest.storage.records);
    assert(bufferedMax() > 0 && bufferedMax() <= BUFFERED_MAX, `${bufferedMax()}`);
    assert.equal(late.controller.node.sync.bufferedCount, 0);
    assert.equal(isPunished(), isWrong);
  });
}

Deno.test("Blocks that come after the time-out are not taken, and who sends them is ignored", async () => {
  const { rogue, honest, late, clock, isPunished, isKnown } = await netWithRogue();
  delayAnswers(rogue, SYNC_TIMEOUT_MS + 2_000);
  for (let i = 0; i < 10; i++) await produceBlock([rogue]);
  await late.run();
  assert(await clock.advanceUntil(isPunished, SYNC_TIMEOUT_MS + 2_000));
  assert(!isKnown());
  assert.equal(late.height, HEIGHT);
  const { length } = late.storage.log;
  await clock.advance(5_000);
  assert.equal(late.controller.node.sync.bufferedCount, 0);
  assert.equal(late.storage.log.length, length);
  assert.deepEqual(late.storage.records, honest.storage.records);
});

/** Sends blocks that nobody asked for to everybody, in the name of any node. */
async function push(from: TestNode, syncBlocks: Block[], { settings } = from): Promise<void> {
  const value = { address: { address: settings.nodeAddress }, syncBlocks };
  const msg = encode(SyncBlockRespond, { respond: { $case: "ok", value } });
  await from.network.broadcast(MessageType.SyncBlockRespond, msg);
}

Deno.test("Blocks that nobody asked for are not taken, however many come", async () => {
  const { rogue, late, clock, isPunished } = await netWithRogue();
  const isAnswer = ({ type, origin }: SentMessage) =>
    type === MessageType.SyncBlockRespond && origin !== 0n;
  rogue.network.loses = isAnswer;
  for (let i = 0; i < 10; i++) await produceBlock([rogue]);
  await late.run();
  assert(await clock.advanceUntil(() => late.height === HEIGHT, 2 * SYNC_IMPATIENCE_MS));
  const { length } = late.storage.log;
  const first = blockAt(rogue, HEIGHT + 1n);
  for (let i = 1n; i <= 500n; i++) await push(rogue, [moved(first, i), moved(first, 1_000n * i)]);
  await clock.settle();
  assert.equal(late.controller.node.sync.bufferedCount, 0);
  assert.equal(late.storage.log.length, length);
  assert(!isPunished(), "a peer of the reference may answer a node that was restarted");
  // for what it was asked it gives no answer: it is ignored for a while, then it is as good as others
  await clock.advance(60_000);
  assert(isPunished());
  rogue.network.loses = () => false;
  await produceBlock([rogue]);
  assert(await clock.advanceUntil(() => late.height === rogue.height, 1_000), `${late.height}`);
});

Deno.test("Blocks that a peer sends in the name of another are not taken", async () => {
  const { rogue, honest, other, late, clock, punished } = await netWithRogue();
  for (const node of [honest, other]) delayAnswers(node, 1_000);
  await late.run();
  await clock.advance(500);
  for (const node of [honest, other]) {
    for (let start = 1n; start < HEIGHT; start += 10n) {
      await push(rogue, [{ ...blockAt(node, start), proof: new Uint8Array(32) }], node);
    }
  }
  assert(await clock.advanceUntil(() => late.height === HEIGHT, 5_000), `${late.height}`);
  assert.deepEqual(punished(), []);
});
