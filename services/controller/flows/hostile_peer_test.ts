import assert from "node:assert/strict";
import { ChainStatus, ChainStatusInit } from "../../../proto/gen/sync.ts";
import { toHex } from "../../../shared/bytes/mod.ts";
import { encode } from "../../../shared/codec/mod.ts";
import { loadSm3 } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { MessageType, MODULE } from "../node_manager/mod.ts";
import { SYNC_IMPATIENCE_MS, SYNC_TIMEOUT_MS } from "../sync/mod.ts";
import { changeAnswers, delayAnswers } from "../testing/changed_answers.ts";
import { fakeSignature } from "../testing/fake_kms.ts";
import { produceBlock, testNet, type TestNode } from "../testing/test_node.ts";
import { ownStatus } from "./node.ts";

const HASH = await loadSm3();

/** Nodes at a height that know each other; the last one is the peer that is talked about. */
async function metNet(count: number, height = 3) {
  const net = await testNet(count);
  const [node] = net.nodes;
  const peer = net.nodes[count - 1];
  assert(node !== undefined && peer !== undefined);
  for (const each of net.nodes) await each.run();
  await net.clock.settle();
  for (let i = 0; i < height; i++) await produceBlock(net.nodes);
  await net.clock.settle();
  return { ...net, node, peer, peerAddress: toHex(peer.settings.nodeAddress) };
}

/** A signed introduction of a node as it could have been some time ago. */
function introductionOf(peer: TestNode, changes: Partial<ChainStatus> = {}): Uint8Array {
  const chainStatus = { ...ownStatus(peer.controller.node), ...changes };
  const { nodeAddress } = peer.settings;
  const signature = fakeSignature(HASH, nodeAddress, HASH(encode(ChainStatus, chainStatus)));
  return encode(ChainStatusInit, { chainStatus, signature });
}

function introduce(node: TestNode, origin: bigint, msg: Uint8Array): Promise<StatusCode> {
  const type = MessageType.ChainStatusInit;
  return node.controller.processNetworkMsg({ module: MODULE, type, origin, msg });
}

const OTHER_ORIGIN = 777n;

Deno.test("A replayed introduction does not take over the session of a node that is connected", async () => {
  const { node, peer, peerAddress } = await metNet(2);
  const { peers } = node.controller.node;
  const before = peers.originOf(peerAddress);
  const code = await introduce(node, OTHER_ORIGIN, introductionOf(peer));
  assert.equal(code, StatusCode.EarlyStatus);
  assert.equal(peers.originOf(peerAddress), before);
  const older = introductionOf(peer, {
    height: 0n,
    hash: { hash: node.storage.read(4, new Uint8Array(8)).value },
  });
  assert.equal(await introduce(node, OTHER_ORIGIN, older), StatusCode.EarlyStatus);
  assert.equal(peers.heightOf(peerAddress), 3n, "nor does it lower the height");
});

Deno.test("A node that comes back over another session is known again at once", async () => {
  const { node, peer, peerAddress, networks } = await metNet(2);
  networks.leave(peer.network);
  await introduce(node, OTHER_ORIGIN, introductionOf(peer));
  assert.equal(node.controller.node.peers.originOf(peerAddress), OTHER_ORIGIN);
});

Deno.test("A node that was rolled back is not followed to where it was", async () => {
  const { node, peer, peerAddress } = await metNet(2);
  const { peers, sync } = node.controller.node;
  const origin = peers.originOf(peerAddress);
  assert(origin !== null);
  // it was ahead for a moment, and is slow to answer
  peer.network.loses = () => true;
  await introduce(node, origin, introductionOf(peer, { height: 9n }));
  assert.equal(sync.target?.status.height, 9n);
  const code = await introduce(node, origin, introductionOf(peer));
  assert.equal(code, StatusCode.EarlyStatus, "the answer is that of the reference");
  assert.equal(peers.heightOf(peerAddress), 3n);
  assert.equal(sync.target?.status.height, 3n);
  const { code: proposed } = await node.controller.getProposal();
  assert.notEqual(proposed, StatusCode.NodeInSyncMode);
});

Deno.test("A peer that claims blocks that it has not does not keep a node from proposing", async () => {
  const { node, peer, peerAddress, clock } = await metNet(2);
  const origin = node.controller.node.peers.originOf(peerAddress);
  assert(origin !== null);
  peer.network.loses = () => true;
  const propose = async () => (await node.controller.getProposal()).code;
  await introduce(node, origin, introductionOf(peer, { height: 9n }));
  await clock.advance(SYNC_IMPATIENCE_MS - 1);
  assert.equal(await propose(), StatusCode.NodeInSyncMode, "the blocks may still come");
  await clock.advance(2);
  assert.equal(await propose(), StatusCode.NoTransaction);
  // nor does the next lie, under whatever name
  await introduce(node, origin, introductionOf(peer, { height: 99n }));
  assert.equal(await propose(), StatusCode.NoTransaction);
  await produceBlock([node]);
  await introduce(node, origin, introductionOf(peer, { height: 999n }));
  assert.equal(await propose(), StatusCode.NodeInSyncMode, "each height is waited for anew");
});

/** Blocks that nodes make in a minute, one every three seconds when nothing keeps them from it. */
async function blocksOfAMinute(nodes: readonly TestNode[], everySecond: () => Promise<unknown>) {
  let count = 0;
  let idleSeconds = 0;
  for (let second = 0; second < 60; second++) {
    await everySecond();
    const [leader] = nodes;
    assert(leader !== undefined);
    await leader.clock.settle();
    const { code } = idleSeconds++ < 3
      ? { code: StatusCode.NodeInSyncMode }
      : await leader.controller.getProposal();
    if (code !== StatusCode.NodeInSyncMode) {
      await produceBlock(nodes);
      count++;
      idleSeconds = 1;
    }
    await leader.clock.advance(1_000);
  }
  return count;
}

for (
  const [how, isRenamed] of [["in its own name", false], ["under ever new names", true]] as const
) {
  Deno.test(`Nodes make blocks while a peer claims to be far ahead ${how}`, async () => {
    const { nodes, peer } = await metNet(5);
    const honest = nodes.slice(0, -1);
    const own = ownStatus(peer.controller.node);
    peer.stop();
    let count = 0;
    const lie = () => {
      const height = own.height + 1_000n + BigInt(++count);
      const name = isRenamed ? new Uint8Array(20).fill(100 + count) : peer.settings.nodeAddress;
      const chainStatus = { ...own, height, address: { address: name } };
      const signature = fakeSignature(HASH, name, HASH(encode(ChainStatus, chainStatus)));
      const msg = encode(ChainStatusInit, { chainStatus, signature });
      return peer.network.broadcast(MessageType.ChainStatusInit, msg);
    };
    const made = await blocksOfAMinute(honest, lie);
    assert(made >= 18, `${made} blocks instead of 19`);
    for (const node of honest) assert.equal(node.height, BigInt(3 + made));
  });
}

const STALLS: Readonly<Record<string, (staller: TestNode) => void>> = {
  "answers nothing": ({ network }) => {
    network.loses = ({ type }) => type === MessageType.SyncBlockRespond;
  },
  "answers just before its time is over": (staller) => delayAnswers(staller, SYNC_TIMEOUT_MS - 1),
  "answers with one block at a time": (staller) => {
    changeAnswers(staller, (blocks) => blocks.slice(0, 1));
  },
  "answers with one block just before its time is over": (staller) => {
    changeAnswers(staller, (blocks) => blocks.slice(0, 1));
    delayAnswers(staller, SYNC_TIMEOUT_MS - 1);
  },
};

for (const [how, stall] of Object.entries(STALLS)) {
  Deno.test(`A peer that ${how} does not hold a node up for long`, async () => {
    const { nodes, clock } = await testNet(4);
    const [staller, second, third, late] = nodes;
    assert(staller !== undefined && second && third && late !== undefined);
    const others = [staller, second, third];
    for (const node of others) await node.run();
    await clock.settle();
    for (let i = 0; i < 600; i++) await produceBlock(others);
    await clock.settle();
    stall(staller);
    await late.run();
    // once, not once for every hundred blocks
    const limitMs = 2 * SYNC_IMPATIENCE_MS;
    assert(await clock.advanceUntil(() => late.height === 600n, limitMs), `${late.height}`);
    assert.deepEqual(late.storage.records, second.storage.records);
  });
}
