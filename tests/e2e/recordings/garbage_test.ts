import assert from "node:assert/strict";
import { ConsensusServiceService } from "../../../proto/gen/consensus.ts";
import {
  Consensus2ControllerServiceService,
  RPCServiceService as ControllerService,
} from "../../../proto/gen/controller.ts";
import { RPCServiceService as EvmService } from "../../../proto/gen/evm.ts";
import { ExecutorServiceService } from "../../../proto/gen/executor.ts";
import { HealthService } from "../../../proto/gen/health.ts";
import { KmsServiceService } from "../../../proto/gen/kms.ts";
import {
  NetworkMsg,
  NetworkMsgHandlerServiceService,
  NetworkServiceService,
  RegisterInfo,
} from "../../../proto/gen/network.ts";
import { StorageServiceService } from "../../../proto/gen/storage.ts";
import {
  ChainStatusInit,
  ChainStatusRespond,
  SyncBlockRequest,
  SyncBlockRespond,
} from "../../../proto/gen/sync.ts";
import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import { freePort } from "../../free_ports.ts";
import { Follower } from "./follower.ts";
import { bombard, readSamples, type Samples, sendNoise } from "./garbage.ts";
import { Player, withFolder } from "./player.ts";
import { readRecordedChain, type RecordedChain } from "./recorded_chain.ts";
import { vectorPath } from "./recordings.ts";

/** Another seed or more requests per method can be tried by hand. */
const SEED = Number(Deno.env.get("GARBAGE_SEED") ?? 1);
const COUNT = Number(Deno.env.get("GARBAGE_COUNT") ?? 100);

const PROCESS = NetworkMsgHandlerServiceService.processNetworkMsg.path;
const REGISTER = NetworkServiceService.registerNetworkMsgHandler.path;
const ADD_NODE = NetworkServiceService.addNode.path;
const BROADCAST = NetworkServiceService.broadcast.path;

/** Roles that need no neighbour to answer. */
const ALONE = [
  {
    role: "kms",
    config: (port: number) => `[kms_sm]\nkms_port = ${port}\n`,
    services: [KmsServiceService, HealthService],
  },
  {
    role: "storage",
    config: (port: number) => `[storage_rocksdb]\nstorage_port = ${port}\nkms_port = 1\n`,
    services: [StorageServiceService, HealthService],
  },
  {
    role: "executor",
    config: (port: number) => `[executor_evm]\nexecutor_port = ${port}\n`,
    services: [ExecutorServiceService, EvmService, HealthService],
  },
  {
    role: "network",
    config: (port: number) => `[network_p2p]\ngrpc_port = ${port}\nport = ${freePort()}\n`,
    services: [NetworkServiceService, HealthService],
  },
];

/** Nothing here may make a network service connect to somewhere. */
function withoutAddresses(samples: Samples): Samples {
  const registration = { moduleName: "x", hostname: "", port: "1" };
  return new Map([
    ...samples,
    [REGISTER, [encode(RegisterInfo, registration)]],
    [ADD_NODE, [fromHex("0a086e6f6e73656e7365")]],
  ]);
}

for (const { role, config, services } of ALONE) {
  Deno.test(`bin/${role} answers malformed requests and goes on`, async () => {
    const samples = withoutAddresses(await readSamples());
    await withFolder(async (folder) => {
      if (role === "kms") await Deno.copyFile(vectorPath("kms/kms_sm.db"), `${folder}/kms.db`);
      const port = freePort();
      await using player = await Player.start({ role, folder, config: config(port), port });
      await bombard({ player, services, samples, seed: SEED, count: COUNT });
      await sendNoise(port, SEED);
      assert.deepEqual(await player.call(HealthService.check.path, new Uint8Array()), {
        hex: "0801",
      });
      assert.equal(await player.stop(), 0);
    });
  });
}

/** Messages between nodes: those that consensus broadcast, and one of each kind of controllers. */
function peerMessages(samples: Samples, chain: RecordedChain): Bytes[] {
  const status = decode(ChainStatusInit, chain.lastStatus).chainStatus;
  const address = status?.address ?? { address: new Uint8Array() };
  const blocks = [...chain.blocks.values()].slice(1, 4);
  const [send] = chain.sendCases;
  const bodies: Readonly<Record<string, Bytes>> = {
    chain_status_init: chain.lastStatus,
    chain_status_init_req: chain.lastStatus.slice(2, 98),
    chain_status: chain.lastStatus.slice(2, 98),
    chain_status_respond: encode(ChainStatusRespond, {
      respond: { $case: "notSameChain", value: address },
    }),
    sync_block: encode(SyncBlockRequest, { startHeight: 0n, endHeight: 0n }),
    sync_block_respond: encode(SyncBlockRespond, {
      respond: { $case: "ok", value: { address, syncBlocks: blocks } },
    }),
    send_tx: fromHex(send?.request_hex ?? ""),
  };
  const controllerMessages = Object.entries(bodies).map(([type, msg]) =>
    encode(NetworkMsg, { module: "controller", type, origin: 100n, msg })
  );
  return [...controllerMessages, ...samples.get(PROCESS) ?? [], ...samples.get(BROADCAST) ?? []];
}

Deno.test("bin/controller and bin/consensus answer malformed requests and go on", async () => {
  const recorded = await readSamples();
  const chain = await readRecordedChain();
  const samples = new Map([...recorded, [PROCESS, peerMessages(recorded, chain)]]);
  await withFolder(async (folder) => {
    await using follower = await Follower.start(folder);
    const options = { samples, seed: SEED, count: COUNT };
    const handlers = [NetworkMsgHandlerServiceService, HealthService];
    await bombard({
      ...options,
      player: follower.player("consensus"),
      services: [ConsensusServiceService, ...handlers],
    });
    await bombard({
      ...options,
      player: follower.player("controller"),
      services: [ControllerService, Consensus2ControllerServiceService, ...handlers],
    });
    for (const role of ["controller", "consensus"] as const) {
      const player = follower.player(role);
      await sendNoise(player.options.port, SEED);
      const health = await player.call(HealthService.check.path, new Uint8Array());
      assert.deepEqual(health, { hex: "0801" });
    }
    assert.equal((await follower.controller.getVersion({})).version, "6.3.3");
    assert.deepEqual(await follower.stop(), [0, 0, 0, 0]);
  });
});
