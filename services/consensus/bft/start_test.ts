import assert from "node:assert/strict";
import { ConsensusServiceService } from "../../../proto/gen/consensus.ts";
import { KmsServiceService } from "../../../proto/gen/kms.ts";
import { NetworkMsgHandlerServiceService } from "../../../proto/gen/network.ts";
import { EMPTY_BYTES, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../../shared/clock/mod.ts";
import { parseDocument, readTable } from "../../../shared/config/mod.ts";
import { loadSuite } from "../../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../../shared/log/mod.ts";
import { connect, grpcService, RpcFault, type RpcServer } from "../../../shared/rpc/mod.ts";
import { freePort } from "../../../tests/free_ports.ts";
import { FakeNode, OK, serve, until } from "../testing/fake_node.ts";
import { BFT_TABLE } from "./config.ts";
import { startBft } from "./start.ts";

const SUITE = await loadSuite("eth");
const SECRET_KEY = fromHex("11".repeat(32));
const OWN = SUITE.addressOf(SUITE.publicKeyOf(SECRET_KEY));

/** A node with a kms that signs with its key. */
class SigningNode extends FakeNode {
  signatures = 0;

  constructor(readonly kmsPort: number, ports: FakeNode["ports"]) {
    super(OWN, ports);
  }

  kms(): Promise<RpcServer> {
    const unused = () => Promise.reject(new Error("not used by consensus"));
    const service = grpcService(KmsServiceService, {
      getCryptoInfo: () =>
        Promise.resolve({
          status: OK,
          name: "eth",
          hashLen: 32,
          signatureLen: 65,
          addressLen: 20,
        }),
      signMessage: ({ keyId, msg }) => {
        assert.equal(keyId, 1n);
        this.signatures++;
        return Promise.resolve({ status: OK, signature: SUITE.sign(SECRET_KEY, msg) });
      },
      generateKeyPair: unused,
      hashData: unused,
      verifyDataHash: unused,
      recoverSignature: unused,
      checkTransactions: unused,
    });
    return serve(this.kmsPort, service);
  }
}

async function withNode(
  test: (node: SigningNode, start: () => Promise<{ stop(): Promise<void> }>) => Promise<void>,
): Promise<void> {
  const [kms, network, controller, consensus] = [freePort(), freePort(), freePort(), freePort()];
  const folder = await Deno.makeTempDir();
  const lines = [
    "[consensus_bft]",
    `kms_port = ${kms}`,
    `network_port = ${network}`,
    `controller_port = ${controller}`,
    `consensus_port = ${consensus}`,
    `node_address = "0x${toHex(OWN)}"`,
    `wal_path = "${folder}/wal"`,
    `authority_path = "${folder}/authorities"`,
    "server_retry_interval = 0",
  ];
  const config = readTable(BFT_TABLE, parseDocument(lines.join("\n"), "config.toml"));
  const { signal } = new AbortController();
  const start = () => startBft({ config, clock: SYSTEM_CLOCK, log: SILENT_LOGGER, signal });
  try {
    await test(new SigningNode(kms, { network, controller, consensus }), start);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("consensus serves before its controller does, and finds each service again", async () => {
  await withNode(async (node, start) => {
    const kms = await node.kms();
    const consensus = await start();
    assert.deepEqual(await node.reconfigure(), OK);
    let controller = await node.controller();
    await until(() => node.height >= 1n, "a block");
    let network = await node.network();
    await until(() => node.registrations === 1 && node.sent.length > 0, "a registration");
    await network.close();
    network = await node.network();
    await until(() => node.registrations >= 2, "a new registration");
    await controller.close();
    controller = await node.controller();
    const { height } = node;
    await until(() => node.height > height, "a block after a restart of the controller");
    await kms.close();
    const { signatures } = node;
    const restarted = await node.kms();
    await until(() => node.signatures > signatures, "a signature after a restart of the kms");
    await consensus.stop();
    for (const server of [controller, network, restarted]) await server.close();
    assert(node.sent.every(({ module, origin }) => module === "consensus" && origin === 0n));
  });
});

for (const isQueryExact of [true, false]) {
  const version = isQueryExact ? "6.7" : "6.3.3";
  Deno.test(`consensus alone restarted asks a ${version} controller where it is`, async () => {
    await withNode(async (node, start) => {
      node.isQueryExact = isQueryExact;
      const servers = [await node.kms(), await node.network(), await node.controller()];
      const first = await start();
      await until(() => node.height >= 1n, "a block without a Reconfigure");
      await first.stop();
      const { height } = node;
      const second = await start();
      await until(() => node.height > height, "a block after the restart");
      await second.stop();
      for (const server of servers) await server.close();
    });
  });
}

Deno.test("consensus refuses messages of other modules and answers CheckBlock", async () => {
  await withNode(async (node, start) => {
    const servers = [await node.kms(), await node.network(), await node.controller()];
    const service = await start();
    const { consensus: port } = node.ports;
    const handler = connect(NetworkMsgHandlerServiceService, { port });
    const message = { module: "consensus", type: "proposal", origin: 1n, msg: EMPTY_BYTES };
    assert.deepEqual(await handler.processNetworkMsg(message), OK);
    assert.deepEqual(await handler.processNetworkMsg({ ...message, type: "?" }), OK);
    await assert.rejects(
      handler.processNetworkMsg({ ...message, module: "controller" }),
      (error) => error instanceof RpcFault && error.code === 3 && error.details === "wrong module",
    );
    const consensus = connect(ConsensusServiceService, { port });
    await until(() => node.height >= 1n, "a block");
    const [block] = node.blocks;
    assert(block !== undefined);
    assert.deepEqual(await consensus.checkBlock(block), OK);
    const refused = await consensus.checkBlock({ proposal: undefined, proof: block.proof });
    assert.equal(refused.code, 130);
    handler.close();
    consensus.close();
    await service.stop();
    for (const server of servers) await server.close();
  });
});

Deno.test("a second consensus in the folder of one that runs is refused: both would vote", async () => {
  await withNode(async (node, start) => {
    const servers = [await node.kms(), await node.network(), await node.controller()];
    const first = await start();
    await assert.rejects(start(), /StartRefusal: Cannot use ".*wal": it must not be in use/);
    await first.stop();
    await (await start()).stop();
    for (const server of servers) await server.close();
  });
});
