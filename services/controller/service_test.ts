import assert from "node:assert/strict";
import { Block } from "../../proto/gen/blockchain.ts";
import { ConsensusServiceService } from "../../proto/gen/consensus.ts";
import {
  Consensus2ControllerServiceService,
  RPCServiceService,
} from "../../proto/gen/controller.ts";
import { ExecutorServiceService } from "../../proto/gen/executor.ts";
import { HealthCheckResponse_ServingStatus, HealthService } from "../../proto/gen/health.ts";
import { KmsServiceService } from "../../proto/gen/kms.ts";
import { NetworkMsgHandlerServiceService, NetworkServiceService } from "../../proto/gen/network.ts";
import { StorageServiceService } from "../../proto/gen/storage.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import { parseDocument, readTable } from "../../shared/config/mod.ts";
import { loadSm3 } from "../../shared/crypto/mod.ts";
import { exists } from "../../shared/files/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import {
  connect,
  type GrpcService,
  grpcService,
  RpcCode,
  RpcError,
  type RpcServer,
  serveGrpc,
} from "../../shared/rpc/mod.ts";
import { CONTROLLER_TABLE } from "./config.ts";
import { type RunningController, startController } from "./service.ts";
import { address, CHAIN_ID, normalTx, transaction } from "./testing/builders.ts";
import { FakeConsensus } from "./testing/fake_consensus.ts";
import { FakeExecutor } from "./testing/fake_executor.ts";
import { FakeKms } from "./testing/fake_kms.ts";
import { FakeNetwork } from "./testing/fake_network.ts";
import { MemoryStorage } from "./testing/memory_storage.ts";
import { toHex } from "../../shared/bytes/mod.ts";
import { freePort } from "../../tests/free_ports.ts";

const HASH = await loadSm3();

function serve(service: GrpcService, port = 0): Promise<RpcServer> {
  return serveGrpc({ host: "127.0.0.1", port, services: [service], log: SILENT_LOGGER });
}

/** The five neighbours of a controller, each behind a real gRPC server. */
class Neighbours {
  readonly storage = new MemoryStorage(HASH);
  readonly executor = new FakeExecutor(HASH);
  readonly kms = new FakeKms(HASH, address(1));
  readonly consensus = new FakeConsensus(HASH);
  readonly network = new FakeNetwork();
  readonly servers = new Map<string, RpcServer>();

  readonly consensusService = grpcService(ConsensusServiceService, {
    reconfigure: async (config) => ({ code: await this.consensus.reconfigure(config) }),
    checkBlock: async (block) => ({ code: await this.consensus.checkBlock(block) }),
  });

  async start(): Promise<string> {
    const { storage, executor, kms, network } = this;
    const storageServer = await serve(grpcService(StorageServiceService, {
      load: async ({ region, key }) => {
        const { code, value } = await storage.load(region, key);
        return { status: { code }, value };
      },
      store: async (record) => ({ code: await storage.store(record) }),
      delete: () => Promise.reject(new RpcError(RpcCode.Unimplemented, "")),
    }));
    const executorServer = await serve(grpcService(ExecutorServiceService, {
      exec: async (block) => {
        const { code, stateRoot } = await executor.exec(encode(Block, block));
        return { status: { code }, hash: { hash: stateRoot } };
      },
      call: () => Promise.reject(new RpcError(RpcCode.Unimplemented, "")),
    }));
    const kmsServer = await serve(kmsService(kms));
    const networkServer = await serve(networkService(network));
    const consensusServer = await serve(this.consensusService);
    this.servers.set("storage", storageServer).set("executor", executorServer)
      .set("kms", kmsServer).set("network", networkServer).set("consensus", consensusServer);
    return `
[genesis_block]
timestamp = 1600000000000
prevhash = "${"00".repeat(32)}"
[system_config]
version = 0
chain_id = "${toHex(CHAIN_ID)}"
admin = "${"ad".repeat(20)}"
block_interval = 3
validators = ["${"01".repeat(20)}"]
block_limit = 100
[controller]
controller_port = 0
storage_port = ${storageServer.port}
executor_port = ${executorServer.port}
kms_port = ${kmsServer.port}
network_port = ${networkServer.port}
consensus_port = ${consensusServer.port}
node_address = "${"01".repeat(20)}"
server_retry_interval = 1
`;
  }

  /** Ends one of them; its port. */
  async close(name: string): Promise<number> {
    const server = this.servers.get(name);
    this.servers.delete(name);
    await server?.close();
    return server?.port ?? 0;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.servers.keys()].map((name) => this.close(name)));
  }
}

function kmsService(kms: FakeKms): GrpcService {
  const away = () => Promise.reject(new RpcError(RpcCode.Unimplemented, ""));
  return grpcService(KmsServiceService, {
    getCryptoInfo: async () => {
      const { code, name, signatureSize } = await kms.cryptoInfo();
      return { status: { code }, name, hashLen: 32, signatureLen: signatureSize, addressLen: 20 };
    },
    signMessage: async ({ keyId, msg }) => {
      assert.equal(keyId, 1n);
      const { code, bytes } = await kms.sign(msg);
      return { status: { code }, signature: bytes };
    },
    recoverSignature: async ({ msg, signature }) => {
      const { code, bytes } = await kms.recover(msg, signature);
      return { status: { code }, address: bytes };
    },
    checkTransactions: async ({ body }) => ({ code: await kms.checkTransactions(body) }),
    generateKeyPair: away,
    hashData: away,
    verifyDataHash: away,
  });
}

function networkService(network: FakeNetwork): GrpcService {
  return grpcService(NetworkServiceService, {
    registerNetworkMsgHandler: async ({ moduleName, hostname }) => {
      assert.equal(moduleName, "controller");
      assert.equal(hostname, "127.0.0.1");
      return { code: await network.register() };
    },
    sendMsg: ({ origin, type, msg }) => {
      network.sent.push({ origin, type, msg });
      return Promise.resolve({ code: 0 });
    },
    broadcast: ({ origin, type, msg }) => {
      network.sent.push({ origin, type, msg });
      return Promise.resolve({ code: 0 });
    },
    getNetworkStatus: async () => ({ peerCount: await network.peerCount() ?? 0n }),
    getPeersNetInfo: async () => ({ nodes: [...await network.peersNetInfo() ?? []] }),
    addNode: async (node) => {
      const code = await network.addNode(node);
      if (code !== 0) throw new RpcError(RpcCode.InvalidArgument, "parse multiaddr failed");
      return { code };
    },
  });
}

interface Served {
  readonly neighbours: Neighbours;
  readonly port: number;
  /** What the controller was started with. */
  readonly context: Parameters<typeof startController>[0];
}

async function withController(
  test: (served: Served) => Promise<void>,
  moreKeys = "",
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const neighbours = new Neighbours();
  const stop = new AbortController();
  let running: RunningController | null = null;
  const document = parseDocument(await neighbours.start() + moreKeys, "config.toml");
  const context = {
    config: { ...readTable(CONTROLLER_TABLE, document), wal_path: `${folder}/wal` },
    document,
    options: {},
    log: SILENT_LOGGER,
    clock: SYSTEM_CLOCK,
    signal: stop.signal,
  };
  try {
    running = await startController(context);
    await test({ neighbours, port: running.port, context });
  } finally {
    stop.abort();
    await running?.stop();
    await neighbours.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Looks again until the condition holds; the test runner ends what takes too long. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await SYSTEM_CLOCK.sleep(5);
}

Deno.test("startController() makes and commits blocks among real gRPC neighbours", async () => {
  await withController(async ({ neighbours, port }) => {
    const user = connect(RPCServiceService, { port });
    const consensus = connect(Consensus2ControllerServiceService, { port });
    const raw = normalTx(HASH, transaction("1"));
    const sent = await user.sendRawTransaction(raw);
    assert.equal(toHex(sent.hash), toHex(raw.tx?.value.transactionHash ?? new Uint8Array()));
    const { status, proposal } = await consensus.getProposal({});
    assert.equal(status?.code, 0);
    assert(proposal !== undefined);
    assert.deepEqual(await consensus.checkProposal(proposal), { code: 0 });
    const proof = new Uint8Array([1, 2]);
    const committed = await consensus.commitBlock({ proposal, proof });
    assert.equal(committed.status?.code, 0);
    assert.deepEqual(await user.getBlockNumber({ flag: false }), { blockNumber: 1n });
    const detail = await user.getBlockDetailByNumber({ blockNumber: 1n });
    assert.equal(detail.body?.body.length, 1);
    assert.deepEqual(new Uint8Array(detail.proof), proof);
    const { hash } = await user.getBlockHash({ blockNumber: 1n });
    assert.deepEqual(await user.getHeightByHash({ hash }), { blockNumber: 1n });
    const { proof: stored } = await user.getProofByNumber({ blockNumber: 1n });
    assert.deepEqual(new Uint8Array(stored), proof);
    const { stateRoot } = await user.getStateRootByNumber({ blockNumber: 1n });
    assert.deepEqual(new Uint8Array(stateRoot), neighbours.executor.executions[1]?.stateRoot);
    const config = await user.getSystemConfig({});
    const numbered = await user.getSystemConfigByNumber({ blockNumber: 2n });
    assert.deepEqual([numbered.blockLimit, numbered.quotaLimit], [100, 0]);
    assert.deepEqual([numbered.blockLimitPreHash.length, config.blockLimitPreHash.length], [33, 0]);
    assert.deepEqual({ ...numbered, ...config }, config, "besides the limits it is the same");
    const nodeStatus = await user.getNodeStatus({});
    assert.equal(nodeStatus.version, "6.3.3");
    assert.equal(nodeStatus.selfStatus?.height, 1n);
    assert.equal(nodeStatus.initBlockNumber, 0n);
    user.close();
    consensus.close();
  });
});

/** Clients that were closed while they waited to reconnect leave their timer to run out. */
const RECONNECTS = { sanitizeOps: false, sanitizeResources: false };

Deno.test("startController() answers bad calls with their texts", RECONNECTS, async () => {
  await withController(async ({ neighbours, port }) => {
    const user = connect(RPCServiceService, { port });
    const consensus = connect(Consensus2ControllerServiceService, { port });
    const network = connect(NetworkMsgHandlerServiceService, { port });
    const refused = (text: string) => ({ code: RpcCode.InvalidArgument, details: text });
    const proof = new Uint8Array();
    await assert.rejects(
      consensus.commitBlock({ proposal: undefined, proof }),
      refused("NoneProposal"),
    );
    await assert.rejects(user.getStateRootByNumber({ blockNumber: 9n }), refused("NoStateRoot"));
    await assert.rejects(user.getProofByNumber({ blockNumber: 9n }), refused("NoProof"));
    await assert.rejects(user.getBlockDetailByNumber({ blockNumber: 9n }), refused("NoBlock"));
    const future = user.getSystemConfigByNumber({ blockNumber: 2n });
    await assert.rejects(future, refused("NoBlock"));
    await assert.rejects(user.getHeightByHash({ hash: proof }), refused("NoBlockHeight"));
    await assert.rejects(user.sendRawTransaction({ tx: undefined }), refused("NoTransaction"));
    const added = await user.addNode({ multiAddress: "nonsense", origin: 0n });
    assert.equal(added.code, 400);
    const message = { module: "consensus", type: "x", origin: 1n, msg: proof };
    assert.deepEqual(await network.processNetworkMsg(message), { code: 152 });
    await neighbours.close("storage");
    await assert.rejects(user.getBlockByNumber({ blockNumber: 0n }), refused("NoBlock"));
    await neighbours.close("kms");
    const raw = normalTx(HASH, transaction("1"));
    await assert.rejects(user.sendRawTransaction(raw), refused("KmsServerNotReady"));
    await neighbours.close("network");
    await assert.rejects(user.getPeerCount({}), refused("NetworkServerNotReady"));
    await assert.rejects(user.getPeersInfo({}), refused("NetworkServerNotReady"));
    for (const client of [user, consensus, network]) client.close();
  });
});

Deno.test("startController() configures a consensus that was restarted", RECONNECTS, async () => {
  await withController(async ({ neighbours }) => {
    const { configurations } = neighbours.consensus;
    await until(() => configurations.length === 1);
    const port = await neighbours.close("consensus");
    neighbours.servers.set("consensus", await serve(neighbours.consensusService, port));
    await until(() => configurations.length === 2);
    assert.equal(configurations[1]?.height, 0n);
  });
});

Deno.test(
  "startController() registers again with a network that was restarted",
  RECONNECTS,
  async () => {
    await withController(async ({ neighbours }) => {
      await until(() => neighbours.network.sentTypes.includes("chain_status_init"));
      const port = await neighbours.close("network");
      neighbours.servers.set("network", await serve(networkService(neighbours.network), port));
      await until(() => neighbours.network.registrations === 2);
    });
  },
);

Deno.test("startController() serves the health check", RECONNECTS, async () => {
  await withController(async ({ port }) => {
    const health = connect(HealthService, { port });
    const { status } = await health.check({ service: "" });
    assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
    await assert.rejects(health.check({ service: "wallet" }), { code: RpcCode.NotFound });
    health.close();
  });
});

Deno.test("startController() serves metrics that grow", RECONNECTS, async () => {
  const metricsPort = freePort();
  const read = async () => await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  await withController(async ({ port }) => {
    const before = await read();
    assert.match(before, /^cita_cloud_controller_block_height 0$/m);
    assert.match(before, /^cita_cloud_controller_healthy 1$/m);
    assert.match(before, /^cita_cloud_controller_stall_reason\{reason="none"\} 1$/m);
    assert.match(before, /^cita_cloud_controller_validators_connected 1$/m);
    const user = connect(RPCServiceService, { port, clientName: "cldi" });
    const consensus = connect(Consensus2ControllerServiceService, { port });
    await user.sendRawTransaction(normalTx(HASH, transaction("1")));
    await user.sendRawTransactions({
      body: [2, 3].map((i) => normalTx(HASH, transaction(`${i}`))),
    });
    await assert.rejects(user.sendRawTransaction({ tx: undefined }));
    assert.match(await read(), /^cita_cloud_controller_pool_transactions 3$/m);
    const { proposal } = await consensus.getProposal({});
    await consensus.commitBlock({ proposal, proof: new Uint8Array(29).fill(5, 8, 9) });
    const after = await read();
    for (
      const line of [
        "block_height 1",
        "block_round 5",
        "blocks_total 1",
        "block_transactions_total 3",
        "block_interval_seconds_count 1",
        "pool_transactions 0",
        "pool_bytes 0",
        "pool_transactions_limit 200000",
        "forwarded_transactions_total 3",
        'user_transactions_total{code="Success"} 3',
        'user_transactions_total{code="NoTransaction"} 1',
        'consensus_calls_total{call="commit_block",code="Success"} 1',
        'rpc_duration_seconds_count{method="SendRawTransaction"} 2',
        'rpc_errors_total{method="SendRawTransaction",code="3"} 1',
        'outgoing_rpc_duration_seconds_count{service="executor",method="Exec"} 2',
        'service_away{service="kms"} 0',
      ]
    ) assert(after.includes(`\ncita_cloud_controller_${line}\n`), `${line} in:\n${after}`);
    assert.match(after, /^cldi_to_SendRawTransactions_count 1$/m);
    const guide = await Deno.readTextFile(new URL("../../docs/operations.md", import.meta.url));
    for (const [, name] of after.matchAll(/^# TYPE (?:cita_cloud_controller_)?(\S+)/gm)) {
      const isListed = guide.includes(`\`${name}\``) || guide.includes(`\`${name}{`);
      assert(isListed || name?.includes("_to_"), `docs/operations.md has ${name}`);
    }
    user.close();
    consensus.close();
  }, `metrics_port = ${metricsPort}\n`);
  await assert.rejects(read());
});

Deno.test("startController() refuses a port for metrics that is taken", RECONNECTS, async () => {
  using other = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = other.addr;
  await assert.rejects(
    withController(() => Promise.resolve(), `metrics_port = ${port}\n`),
    new RegExp(`^StartRefusal: Cannot serve metrics on port ${port}: it must be free`),
  );
  await withController(
    () => Promise.resolve(),
    `metrics_port = ${port}\nenable_metrics = false\n`,
  );
});

Deno.test("startController() tells users to come back when its pool is full", async () => {
  await withController(async ({ port }) => {
    const user = connect(RPCServiceService, { port });
    await user.sendRawTransaction(normalTx(HASH, transaction("1")));
    const full = {
      code: RpcCode.ResourceExhausted,
      details: /tx_pool_count_max.*tx_pool_size_max.*try again/,
    };
    const raw = normalTx(HASH, transaction("2"));
    await assert.rejects(user.sendRawTransaction(raw), full);
    await assert.rejects(user.sendRawTransactions({ body: [raw] }), full);
    user.close();
  }, "tx_pool_count_max = 1\n");
});

Deno.test("startController() in the folder of one that runs is refused before it touches anything", async () => {
  await withController(async ({ neighbours, context }) => {
    const { wal_path: folder } = context.config;
    await Deno.writeTextFile(`${folder}/1.log`, "a block that is being stored");
    const calls = neighbours.network.registrations;
    await assert.rejects(
      startController(context),
      /StartRefusal: Cannot use ".*wal": it must not be/,
    );
    assert.equal(await Deno.readTextFile(`${folder}/1.log`), "a block that is being stored");
    assert.equal(neighbours.network.registrations, calls);
  });
});

Deno.test("startController() keeps the pool on disk when it is told to, and only then", async () => {
  for (const keepsPool of [false, true]) {
    await withController(async ({ port, context }) => {
      const user = connect(RPCServiceService, { port });
      await user.sendRawTransaction(normalTx(HASH, transaction("1")));
      user.close();
      const folder = `${context.config.wal_path}_txs`;
      assert.equal(exists(folder), keepsPool);
      if (keepsPool) assert.equal([...Deno.readDirSync(folder)].length, 1);
    }, `tx_persistence = ${keepsPool}\n`);
  }
});
