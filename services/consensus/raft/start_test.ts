import assert from "node:assert/strict";
import { ConsensusServiceService } from "../../../proto/gen/consensus.ts";
import { type NetworkMsg, NetworkMsgHandlerServiceService } from "../../../proto/gen/network.ts";
import { EMPTY_BYTES, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { ConfigError, parseDocument, readTable } from "../../../shared/config/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { connect, RpcFault } from "../../../shared/rpc/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";
import { FakeNode, OK, until } from "../testing/fake_node.ts";
import { RAFT_TABLE } from "./config.ts";
import { peerIdOf } from "./peer_id.ts";
import { startRaft } from "./start.ts";

const OWN = new Uint8Array(20).fill(0xab);

async function withNode(
  test: (node: FakeNode, start: () => Promise<{ stop(): Promise<void> }>) => Promise<void>,
  more: readonly string[] = [],
): Promise<void> {
  const [network, controller, consensus] = [freePort(), freePort(), freePort()];
  const folder = await Deno.makeTempDir();
  const lines = [
    "[consensus_raft]",
    `network_port = ${network}`,
    `controller_port = ${controller}`,
    `grpc_listen_port = ${consensus}`,
    `node_addr = "0x${toHex(OWN)}"`,
    `wal_path = "${folder}/wal"`,
    "tick_interval_in_millis = 10",
    ...more,
  ];
  const config = readTable(RAFT_TABLE, parseDocument(lines.join("\n"), "config.toml"));
  const start = () => startRaft({ config, clock: SYSTEM_CLOCK, log: SILENT_LOGGER });
  try {
    await test(new FakeNode(OWN, { network, controller, consensus }), start);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A message of another node. */
function mailOf(type: string, msg: Uint8Array, origin = 7n): NetworkMsg {
  return { module: "consensus", type, origin, msg };
}

Deno.test("consensus serves before its controller does, and finds each service again", async () => {
  await withNode(async (node, start) => {
    const consensus = await start();
    assert.deepEqual(await node.reconfigure(), OK);
    let controller = await node.controller();
    await until(() => node.height >= 1n, "a block");
    let network = await node.network();
    await until(() => node.sent.length > 0, "a probe");
    assert.deepEqual(node.sent, [mailOf("probe", u64be(peerIdOf(OWN)), 0n)]);
    await network.close();
    // the answer to this cannot be sent
    const handler = connect(NetworkMsgHandlerServiceService, { port: node.ports.consensus });
    assert.deepEqual(await handler.processNetworkMsg(mailOf("probe", u64be(1n))), OK);
    handler.close();
    network = await node.network();
    await until(() => node.registrations >= 2, "a new registration");
    await controller.close();
    controller = await node.controller();
    const { height } = node;
    await until(() => node.height > height, "a block after a restart of the controller");
    await consensus.stop();
    for (const server of [controller, network]) await server.close();
    assert(node.blocks.every(({ proof }) => proof.length === 0));
  });
});

for (const isQueryExact of [true, false]) {
  const version = isQueryExact ? "6.7" : "6.3.3";
  Deno.test(`consensus alone restarted asks a ${version} controller where it is`, async () => {
    await withNode(async (node, start) => {
      node.isQueryExact = isQueryExact;
      const controller = await node.controller();
      const first = await start();
      await until(() => node.height >= 1n, "a block without a Reconfigure");
      await first.stop();
      const { height } = node;
      const second = await start();
      await until(() => node.height > height, "a block after the restart");
      await second.stop();
      await controller.close();
      const heights = node.blocks.map(({ proposal }) => proposal?.height);
      assert.deepEqual(heights, heights.map((_, index) => BigInt(index + 1)));
    });
  });
}

Deno.test("consensus without its log founds a group on a chain that has blocks when it is told to", async () => {
  await withNode(async (node, start) => {
    node.blocks.push({ proposal: undefined, proof: EMPTY_BYTES });
    const controller = await node.controller();
    const consensus = await start();
    await until(() => node.height >= 2n, "a block");
    await consensus.stop();
    await controller.close();
  }, ["refound_group = true"]);
});

Deno.test("consensus answers probes, refuses what is malformed, and accepts every block", async () => {
  await withNode(async (node, start) => {
    const network = await node.network();
    const service = await start();
    const { consensus: port } = node.ports;
    const handler = connect(NetworkMsgHandlerServiceService, { port });
    assert.deepEqual(await handler.processNetworkMsg(mailOf("probe", u64be(1n))), OK);
    const answer = mailOf("probe-resp", u64be(peerIdOf(OWN)));
    await until(() => node.sent.some(({ type }) => type === "probe-resp"), "an answer");
    assert.deepEqual(node.sent.find(({ type }) => type === "probe-resp"), answer);
    const refusals = [
      [mailOf("?", EMPTY_BYTES), "unknown msg type"],
      [mailOf("probe", Uint8Array.of(1)), "invalid peer id"],
      [mailOf("raft", Uint8Array.of(0xff)), "can't decode raft msg"],
      [{ ...mailOf("raft", EMPTY_BYTES), module: "controller" }, "wrong module"],
    ] as const;
    for (const [message, details] of refusals) {
      await assert.rejects(
        handler.processNetworkMsg(message),
        (error) => error instanceof RpcFault && error.code === 3 && error.details === details,
      );
    }
    const consensus = connect(ConsensusServiceService, { port });
    assert.deepEqual(await consensus.checkBlock({ proposal: undefined, proof: EMPTY_BYTES }), OK);
    handler.close();
    consensus.close();
    await service.stop();
    await network.close();
  });
});

Deno.test("a second consensus in the folder of one that runs is refused: both would vote", async () => {
  await withNode(async (_node, start) => {
    const first = await start();
    await assert.rejects(start(), /StartRefusal: Cannot use ".*wal": it must not be in use/);
    await first.stop();
    await (await start()).stop();
  });
});

Deno.test("timers that do not go together stop the start", async () => {
  await withNode(async (_node, start) => {
    await assert.rejects(start(), ConfigError);
  }, ["heartbeat_tick = 50"]);
});

Deno.test("a node shows what it does on the port for metrics", async () => {
  const metricsPort = freePort();
  await withNode(async (node, start) => {
    const servers = [await node.network(), await node.controller()];
    const consensus = await start();
    await until(() => node.height >= 1n, "a block");
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    for (
      const line of [
        "is_leader 1",
        "is_validator 1",
        "validators 1",
        "changing_members 0",
        "dropped_messages_total 0",
      ]
    ) {
      assert(text.includes(`\ncita_cloud_consensus_${line}\n`), line);
    }
    assert.match(text, /^cita_cloud_consensus_height [2-9]$/m);
    assert.match(text, /^cita_cloud_consensus_term 6$/m);
    await consensus.stop();
    for (const server of servers) await server.close();
  }, [`metrics_port = ${metricsPort}`]);
});
