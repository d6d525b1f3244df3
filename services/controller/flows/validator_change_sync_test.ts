import assert from "node:assert/strict";
import { Regions } from "../../../proto/gen/storage.ts";
import { concatBytes, equalBytes, readU64be, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { GlobalKey } from "../chain/mod.ts";
import { MessageType } from "../node_manager/mod.ts";
import type { Ports } from "../ports.ts";
import { LockId } from "../system_config/mod.ts";
import { address, utxoTx, VALIDATORS } from "../testing/builders.ts";
import { type CrashMoment, CrashPoint } from "../testing/crash_point.ts";
import { FakeNetworks } from "../testing/fake_network.ts";
import { produceBlock, proofOf, type TestNode, testNode } from "../testing/test_node.ts";
import { VirtualClock } from "../../../shared/clock/testing/virtual_clock.ts";

const HASH = await loadSm3();

/** Bytes of the validators that a block appoints, by its height. */
type Schedule = Readonly<Record<number, readonly number[]>>;

const SCHEDULES: Readonly<Record<string, Schedule>> = {
  "once": { 7: [1, 2, 3, 4, 5] },
  "several times, twice in a row": { 5: [1, 2, 3], 6: [1, 2, 5], 21: [2, 5, 6], 38: [6, 5, 2] },
  "to a wholly disjoint set": { 12: [11, 12, 13] },
  "there and back": { 9: [11], 30: [1, 2, 3, 4] },
};

/** Makes blocks up to a height, some of which change the validators. */
async function grow(nodes: readonly TestNode[], schedule: Schedule, height: number): Promise<void> {
  const [first] = nodes;
  assert(first !== undefined);
  while (first.height < BigInt(height)) {
    const bytes = schedule[Number(first.height) + 1];
    if (bytes !== undefined) {
      const { validatorsPreHash: preTxHash } = first.controller.queries.systemConfig();
      const output = concatBytes(...bytes.map(address));
      const change = utxoTx(HASH, { lockId: LockId.Validators, output, preTxHash });
      assert.equal((await first.controller.send(change)).code, StatusCode.Success);
    }
    await produceBlock(nodes);
  }
}

/** A chain of one node, and another node that has nothing of it yet. */
async function chainToFollow(schedule: Schedule, height: number) {
  const clock = new VirtualClock();
  const networks = new FakeNetworks();
  const ahead = await testNode(1, {}, clock);
  const late = await testNode(2, {}, clock);
  networks.join(ahead.network, late.network);
  await ahead.run();
  await grow([ahead], schedule, height);
  return { ahead, late, clock, networks };
}

/** What the node complains of from now on. */
function warningsOf(node: TestNode): string[] {
  const warnings: string[] = [];
  node.log = { ...SILENT_LOGGER, warn: (line) => void warnings.push(line) };
  return warnings;
}

/** Heights in the order in which they became the node's. */
function storedHeights({ storage }: TestNode): number[] {
  const key = u64be(GlobalKey.Height);
  return storage.log.filter((record) =>
    record.region === Regions.GLOBAL && equalBytes(record.key, key)
  ).map(({ value }) => Number(readU64be(value)));
}

for (const [how, schedule] of Object.entries(SCHEDULES)) {
  for (const seen of [0, 3]) {
    const who = seen === 0 ? "A fresh node" : "A node that was away";
    Deno.test(`${who} follows a chain whose validators changed ${how}`, async () => {
      const { ahead, late, clock } = await chainToFollow(schedule, seen);
      const warnings = warningsOf(late);
      await late.run();
      assert(await clock.advanceUntil(() => late.height === BigInt(seen), 10_000));
      late.stop();
      const checkedBefore = late.consensus.checkCount;
      await grow([ahead], schedule, 45);
      await late.run();
      assert(await clock.advanceUntil(() => late.height === 45n, 10_000), `${late.height}`);
      assert.deepEqual(late.storage.records, ahead.storage.records);
      assert.deepEqual(
        late.controller.node.systemConfig.validators,
        ahead.controller.node.systemConfig.validators,
      );
      // once each, by those who were in force: consensus refuses a proof of any others
      assert.equal(late.consensus.checkCount - checkedBefore, 45 - seen);
      assert.deepEqual(warnings, []);
      await produceBlock([ahead, late]);
    });
  }
}

/** The calls of consensus in their order. */
function recordCalls(calls: string[]): (ports: Ports) => Ports {
  return ({ consensus, ...ports }) => ({
    ...ports,
    consensus: {
      reconfigure: (config) => {
        calls.push(`told ${config.height} ${toHex(concatBytes(...config.validators))}`);
        return consensus.reconfigure(config);
      },
      checkBlock: (block) => {
        calls.push(`check ${block.proposal?.height}`);
        return consensus.checkBlock(block);
      },
    },
  });
}

Deno.test("A change of the validators ends a run of blocks, consensus is told before the next", async () => {
  const { late, clock } = await chainToFollow({ 20: [11, 12, 13] }, 30);
  const calls: string[] = [];
  late.consensus.isAway = true;
  const controller = await late.start(recordCalls(calls));
  controller.run();
  await clock.advance(5_000);
  assert.equal(controller.node.sync.bufferedCount, 30, "all of them could be one run");
  late.consensus.isAway = false;
  calls.length = 0;
  assert(await clock.advanceUntil(() => late.height === 30n, 10_000), `${late.height}`);
  assert.deepEqual(storedHeights(late), [0, 20, 30]);
  const before = toHex(concatBytes(...VALIDATORS));
  const after = toHex(concatBytes(...[11, 12, 13].map(address)));
  const at = calls.indexOf(`told 20 ${after}`);
  assert.deepEqual(calls.slice(at - 1, at + 2), ["check 20", `told 20 ${after}`, "check 21"]);
  assert.equal(calls.filter((call) => call.endsWith(before)).length, 1);
});

Deno.test("A consensus that lost its files hears of the validators before it judges a proof", async () => {
  const { ahead, late, clock } = await chainToFollow({ 12: [11, 12, 13] }, 40);
  const warnings = warningsOf(late);
  let answers = 0;
  ahead.network.loses = ({ type }) => type === MessageType.SyncBlockRespond && answers++ >= 3;
  await late.run();
  assert(await clock.advanceUntil(() => late.height === 30n, 10_000), `${late.height}`);
  late.consensus.forget();
  late.consensus.isAway = true;
  late.controller.consensusLost();
  ahead.network.loses = () => false;
  await clock.advance(20_000);
  late.consensus.isAway = false;
  assert(await clock.advanceUntil(() => late.height === 40n, 5_000), `${late.height}`);
  assert(!warnings.some((line) => line.includes("misbehavior")), warnings.join("\n"));
});

/** Ends with blocks that only the validators of before the change have decided. */
async function netWithRenegade() {
  const clock = new VirtualClock();
  const networks = new FakeNetworks();
  const [honest, renegade, late] = [
    await testNode(1, {}, clock),
    await testNode(2, {}, clock),
    await testNode(3, {}, clock),
  ];
  for (const node of [honest, renegade]) await node.run();
  await grow([honest, renegade], { 6: [11, 12, 13] }, 6);
  await grow([honest], {}, 10);
  const decideAlone = async () => {
    const { proposal } = await renegade.controller.getProposal();
    assert(proposal !== undefined);
    await renegade.controller.commitBlock(proposal, proofOf(HASH, proposal));
  };
  await clock.advance(10); // else its blocks are those of the honest node
  for (let i = 0; i < 20; i++) await decideAlone();
  // the first that it meets is asked first
  for (const node of [renegade, honest]) networks.join(node.network, late.network);
  return { honest, renegade, late, clock, decideAlone };
}

Deno.test("Blocks that the removed validators decided are refused, and who sends them is ignored", async () => {
  const { honest, renegade, late, clock, decideAlone } = await netWithRenegade();
  const warnings = warningsOf(late);
  assert.equal(renegade.height, 26n);
  await late.run();
  assert(await clock.advanceUntil(() => late.height === 10n, 10_000), `${late.height}`);
  assert.deepEqual(late.storage.records, honest.storage.records);
  const name = toHex(renegade.settings.nodeAddress);
  const refusals = [
    `sync block error: ProposalCheckError, node: 0x${name} been misbehavior_node`,
    `set misbehavior node: 0x${name}`,
  ];
  assert.deepEqual(warnings, refusals);
  const isKnown = () => late.controller.node.peers.nodes().some(({ address }) => address === name);
  await decideAlone();
  await clock.advance(1_000);
  assert(!isKnown(), "it is ignored for 30 s");
  await produceBlock([honest, late]);
  await clock.advance(30_000);
  warnings.length = 0;
  await decideAlone();
  const isRefusedAgain = () => warnings.includes(`set misbehavior node: 0x${name}`);
  assert(await clock.advanceUntil(isRefusedAgain, 10_000), "then its claim is looked at again");
  assert(!isKnown());
  await produceBlock([honest, late]);
});

const MOMENTS: Readonly<Record<CrashMoment, string>> = {
  before: "before",
  after: "right after",
  overtaken: "with others overtaking",
};

for (const [moment, when] of Object.entries(MOMENTS) as [CrashMoment, string][]) {
  Deno.test(`A node heals from a crash in a run with a change of the validators, ${when} any call`, async () => {
    const { ahead, clock, networks, late: first } = await chainToFollow({ 5: [11, 12, 13] }, 9);
    networks.leave(first.network);
    let points = 0;
    for (let isReached = true; isReached; points++) {
      const late = await testNode(2, {}, clock);
      networks.join(ahead.network, late.network);
      const crash = new CrashPoint(points, moment);
      late.start(crash.wrap).then((controller) => controller.run());
      await clock.advanceUntil(() => late.storage.height === 9n, 5_000);
      isReached = crash.isReached;
      late.stop();
      const warnings = warningsOf(late);
      await late.run();
      const message = `point ${points}: ${late.height}, ${warnings}`;
      assert(await clock.advanceUntil(() => late.height === 9n, 10_000), message);
      assert.deepEqual(late.storage.records, ahead.storage.records, message);
      assert.deepEqual(late.executor.executions, ahead.executor.executions, message);
      assert.deepEqual(warnings, [], message);
      late.stop();
      networks.leave(late.network);
    }
    assert(points > 50, `there were ${points} points`);
  });
}
