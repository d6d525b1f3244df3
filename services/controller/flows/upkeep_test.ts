import assert from "node:assert/strict";
import { produceBlock, proofOf, testNet, testNode } from "../testing/test_node.ts";

Deno.test("run() tells consensus where the chain stands, as soon as it can", async () => {
  const node = await testNode();
  node.consensus.isAway = true;
  await node.start();
  await node.produce(2);
  const running = node.controller.run();
  await node.clock.advance(10_000);
  assert.equal(node.consensus.configurations.length, 0);
  node.consensus.isAway = false;
  await node.clock.advance(3_000);
  assert.deepEqual(node.consensus.configurations.map(({ height }) => height), [2n]);
  node.stop();
  await node.clock.settle();
  await running;
});

Deno.test("consensusLost() tells a restarted consensus the newest height", async () => {
  const node = await testNode();
  await node.run();
  await node.clock.settle();
  await node.produce(3);
  node.consensus.isAway = true;
  node.controller.consensusLost();
  await node.clock.advance(5_000);
  node.consensus.isAway = false;
  await node.clock.advance(3_000);
  assert.deepEqual(node.consensus.configurations.map(({ height }) => height), [0n, 3n]);
});

Deno.test("A restarted network service is registered with again", async () => {
  const { nodes, clock, networks } = await testNet(2);
  for (const node of nodes) await node.run();
  await clock.advance(4_000);
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  assert.equal(a.network.registrations, 1);
  a.network.isAway = true;
  networks.leave(a.network);
  await clock.advance(10_000);
  a.network.isAway = false;
  await clock.advance(4_000);
  assert.equal(a.network.registrations, 2);
  assert.equal(a.controller.node.peers.nodes()[0]?.origin, null, "the session is gone");
  // the connection comes back with other handles
  networks.join(a.network, b.network);
  await clock.advance(4_000);
  await produceBlock(nodes);
  await clock.settle();
  for (const node of nodes) assert.equal(node.controller.node.peers.highest()?.status.height, 1n);
});

Deno.test("networkLost() registers again although every call succeeded", async () => {
  const node = await testNode();
  await node.run();
  node.controller.networkLost();
  await node.clock.advance(4_000);
  assert.equal(node.network.registrations, 2);
});

Deno.test("A node introduces itself to sessions that it has not seen", async () => {
  const { nodes, clock, networks } = await testNet(3);
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  networks.leave(a.network);
  for (const node of nodes) await node.run();
  await clock.advance(10_000);
  assert.equal(a.controller.node.peers.nodes().length, 0);
  networks.join(a.network, b.network);
  await clock.advance(4_000);
  assert.equal(a.controller.node.peers.nodes().length, 1);
  assert.equal(b.controller.node.peers.nodes().length, 2);
});

Deno.test("A chain that stands still is looked after ever more rarely", async () => {
  const node = await testNode();
  await node.run();
  await node.clock.advance(59_000);
  assert.equal(node.network.sent.length, 1);
  const looks: number[] = [];
  for (let minute = 1; minute <= 16; minute++) {
    const before = node.network.registrations;
    await node.clock.advance(60_000);
    if (node.network.registrations > before) looks.push(minute);
  }
  assert.deepEqual(looks, [1, 2, 4, 8, 16]);
  assert.equal(node.consensus.configurations.length, 6);
  await node.produce(1);
  await node.clock.advance(60_000);
  const before = node.network.registrations;
  await node.clock.advance(60_000);
  assert.equal(node.network.registrations, before + 1);
});

Deno.test("A chain with long intervals is left in peace", async () => {
  const { systemConfig } = (await testNode()).settings;
  const node = await testNode(1, {
    systemConfig: { ...systemConfig, blockIntervalSeconds: 100 },
  });
  await node.run();
  await node.clock.advance(390_000);
  assert.equal(node.network.registrations, 1);
  await node.clock.advance(60_000);
  assert.equal(node.network.registrations, 2);
});

Deno.test("A proposal that consensus gave up does not keep a node from catching up", async () => {
  const { nodes, clock } = await testNet(2);
  const [a, b] = nodes;
  assert(a !== undefined && b !== undefined);
  for (const node of nodes) await node.run();
  await clock.advance(4_000);
  const { proposal } = await a.controller.getProposal();
  assert(proposal !== undefined);
  assert.equal(await b.controller.checkProposal(proposal), 0);
  await a.controller.commitBlock(proposal, proofOf(a.hash, proposal));
  await clock.advance(50_000);
  assert.equal(b.height, 0n, "consensus is still deciding");
  await clock.advance(70_000);
  assert.equal(b.height, 1n);
});

Deno.test("The own status is broadcast from time to time, but not without the kms", async () => {
  const node = await testNode(1, { growthCheckIntervalMs: 1e9 });
  await node.run();
  await node.clock.advance(3_601_000);
  assert.equal(node.network.sentTypes.length, 2);
  node.kms.isAway = true;
  await node.clock.advance(3_601_000);
  assert.equal(node.network.sentTypes.length, 2);
});

Deno.test("addNode() introduces this node once there was time to connect", async () => {
  const node = await testNode();
  await node.run();
  await node.clock.settle();
  node.network.sent.length = 0;
  const bad = { multiAddress: "nonsense", origin: 0n };
  assert.equal(await node.controller.addNode(bad), 403);
  await node.clock.advance(4_000);
  assert.deepEqual(node.network.sentTypes, []);
  assert.equal(await node.controller.addNode({ ...bad, multiAddress: "/dns4/x/tcp/1" }), 0);
  await node.clock.advance(4_000);
  assert.deepEqual(node.network.sentTypes, ["chain_status_init"]);
});
