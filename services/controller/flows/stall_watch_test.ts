import assert from "node:assert/strict";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import { isHealthy } from "../health.ts";
import { address } from "../testing/builders.ts";
import { produceBlock, testNet, testNode } from "../testing/test_node.ts";
import type { TestNode } from "../testing/test_node.ts";

/** The lines about standstills that a node logs, with the second of each. */
function linesOf(node: TestNode): string[] {
  const lines: string[] = [];
  const startMs = node.clock.monotonicMs();
  const keep = (line: string) => {
    if (!/^no block|^blocks are made|^sync: height/.test(line)) return;
    lines.push(`${Math.round((node.clock.monotonicMs() - startMs) / 1_000)}: ${line}`);
  };
  const log: Logger = { ...SILENT_LOGGER, info: keep, warn: keep, child: () => log };
  node.log = log;
  return lines;
}

const ALONE = {
  systemConfig: {
    version: 0,
    chainId: new Uint8Array(32).fill(0xcc),
    admin: address(0xad),
    blockIntervalSeconds: 3,
    validators: [address(1)],
    blockLimit: 100n,
  },
};

Deno.test("A standstill is told after four intervals, then ever more rarely, and its end", async () => {
  const node = await testNode(1, ALONE);
  const lines = linesOf(node);
  await node.run();
  await node.clock.advance(11_500);
  assert.equal(lines.length, 0);
  await node.clock.advance(100_000);
  const silent =
    "consensus answers but has not asked for a block since the start: its log says more";
  assert.deepEqual(lines.splice(0), [
    `12: no block for 12 s, height 0: ${silent}`,
    `24: no block for 24 s, height 0: ${silent}`,
    `48: no block for 48 s, height 0: ${silent}`,
    `96: no block for 96 s, height 0: ${silent}`,
  ]);
  await node.clock.advance(81_000);
  assert.match(lines.splice(0).join("\n"), /^192: no block for 192 s[^\n]*$/);
  await node.clock.advance(4_000_000);
  const times = lines.splice(0).map((line) => Number(line.split(":")[0]));
  const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  assert.deepEqual(pauses.slice(0, 3), [384, 600, 600]);
  assert(pauses.slice(2).every((pause) => pause === 600));
  await node.produce(1);
  assert.match(lines.splice(0).join("\n"), /^\d+: blocks are made again after \d+ s: height 1$/);
  await node.produce(1);
  assert.equal(lines.length, 0);
});

Deno.test("A reason that changes is told soon, with what the neighbours say when asked", async () => {
  const node = await testNode(1, ALONE);
  const lines = linesOf(node);
  await node.run();
  await node.clock.advance(50_000);
  lines.length = 0;
  node.kms.isAway = true;
  node.storage.isAway = true;
  // nobody needs them until the growth check at 60 s, whose line is a new one
  const away = (seconds: number) =>
    `no answer from kms (for ${seconds} s), storage (for ${seconds} s)`;
  await node.clock.advance(50_000);
  assert.deepEqual(lines.splice(0), [
    `60: no block for 60 s, height 0: ${away(0)}`,
    `72: no block for 72 s, height 0: ${away(12)}`,
    `96: no block for 96 s, height 0: ${away(36)}`,
  ]);
  node.kms.isAway = false;
  node.storage.isAway = false;
  await node.clock.advance(60_000);
  assert.match(lines.join("\n"), /^144: .*: consensus answers but has not asked [^\n]*$/);
});

Deno.test("A node without a quorum names the validators that are not connected", async () => {
  const { nodes, clock, networks } = await testNet(3);
  const [a, b, c] = nodes;
  assert(a !== undefined && b !== undefined && c !== undefined);
  const lines = linesOf(a);
  for (const node of nodes) await node.run();
  await clock.advance(4_000);
  await produceBlock(nodes);
  await clock.advance(3_000);
  assert.equal(a.controller.stallWatch.facts().validators.filter((v) => v.isReachable).length, 3);
  networks.leave(c.network);
  await clock.advance(13_000);
  assert.deepEqual(lines, [
    `16: no block for 12 s, height 1: 2 of 4 validators are connected, 3 are needed; ` +
    `not connected: 0x${"03".repeat(20)} (last seen at height 1), 0x${"04".repeat(20)}`,
  ]);
  networks.join(a.network, c.network);
  await clock.advance(6_000);
  assert.equal(a.controller.stallWatch.diagnosis().reason, "consensus_silent");
});

Deno.test("A node that is no validator says so, and how it syncs", async () => {
  const { nodes, clock } = await testNet(2, {
    systemConfig: { ...ALONE.systemConfig, validators: [address(1)] },
    syncInterval: 1,
    syncRequestsMax: 1,
  });
  const [validator, reader] = nodes;
  assert(validator !== undefined && reader !== undefined);
  const lines = linesOf(reader);
  await validator.run();
  await validator.produce(30);
  await reader.run();
  const { deliver } = reader.network;
  reader.network.deliver = (message) => {
    const delayMs = message.type === "sync_block_respond" ? 1_000 : 0;
    return clock.setTimer(delayMs, () => deliver?.(message));
  };
  await clock.advance(15_000);
  const from = `from node(0x${"01".repeat(20)})`;
  assert.deepEqual(lines.splice(0), [`10: sync: height 9 of 30, 0.9 blocks/s, ${from}`]);
  await clock.advance(30_000);
  assert.equal(reader.height, 30n);
  assert.match(
    lines.at(-1) ?? "",
    /^\d+: no block for \d+ s, height 30: this node is no validator and waits for blocks of the validators, 1 of 1 are connected$/,
  );
});

Deno.test("Refused proposals, failing commits and a full disk are told", async () => {
  const node = await testNode(1, ALONE);
  linesOf(node);
  await node.run();
  await node.clock.advance(12_000);
  const reason = () => node.controller.stallWatch.diagnosis().reason;
  await node.controller.checkProposal({ height: 1n, data: new Uint8Array([1]) });
  assert.equal(reason(), "proposal_refused");
  const { proposal } = await node.controller.getProposal();
  assert(proposal !== undefined);
  assert.equal(await node.controller.checkProposal(proposal), StatusCode.Success);
  assert.equal(reason(), "undecided");
  await node.controller.commitBlock({ height: 1n, data: new Uint8Array([1]) }, new Uint8Array());
  assert.equal(reason(), "commit_fails");
  node.storage.store = () => Promise.resolve(StatusCode.StoreError);
  const { code } = await node.controller.commitBlock(proposal, node.hash(proposal.data));
  assert.equal(code, StatusCode.StoreError);
  assert.equal(reason(), "disk");
});

Deno.test("isHealthy() is measured by the node itself, however rarely it is asked", async () => {
  const node = await testNode(1, ALONE);
  const healthy = () => isHealthy(node.controller, 300_000);
  await node.start();
  await node.clock.advance(299_999);
  assert(healthy(), "the start counts as a block");
  await node.clock.advance(1);
  assert(!healthy());
  await node.produce(1);
  assert(healthy());
  await node.clock.advance(3_600_000);
  assert(!healthy(), "asked once an hour");
  await node.clock.advance(299_000);
  await node.produce(1);
  await node.clock.advance(299_999);
  assert(healthy());
});

Deno.test("isHealthy() bears with intervals that are longer than the limit", async () => {
  const systemConfig = { ...ALONE.systemConfig, blockIntervalSeconds: 600 };
  const node = await testNode(1, { systemConfig });
  await node.start();
  await node.clock.advance(2_399_000);
  assert(isHealthy(node.controller, 300_000));
  await node.clock.advance(2_000);
  assert(!isHealthy(node.controller, 300_000));
});
