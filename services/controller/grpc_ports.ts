import { ConsensusServiceService } from "../../proto/gen/consensus.ts";
import { ExecutorServiceService } from "../../proto/gen/executor.ts";
import { KmsServiceService } from "../../proto/gen/kms.ts";
import { NetworkServiceService } from "../../proto/gen/network.ts";
import { Regions, StorageServiceService } from "../../proto/gen/storage.ts";
import { EMPTY_BYTES } from "../../shared/bytes/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import {
  type CallObserver,
  connect,
  type ConnectOptions,
  rawRequest,
  type RpcClient,
  RpcFault,
} from "../../shared/rpc/mod.ts";
import { codeOf, StatusCode, statusFromWire } from "../../shared/status/mod.ts";
import type { ControllerConfig } from "./config.ts";
import { MODULE } from "./node_manager/mod.ts";
import type {
  ConsensusPort,
  ExecutorPort,
  KmsPort,
  NetworkPort,
  Ports,
  StoragePort,
} from "./ports.ts";

/** Executing, storing or loading a full block, or verifying one, may take long on a busy machine. */
const BLOCK_DEADLINE_MS = 120_000;

/** The neighbours over gRPC. */
export interface GrpcPorts extends Omit<Ports, "wal" | "journal"> {
  /** Ends all connections. */
  close(): void;
  /** Calls the listener when the connection to consensus or network is lost. */
  onLost(neighbour: "consensus" | "network", listener: () => void): void;
}

/** What the clients of the neighbours need. */
export interface GrpcPortsDeps {
  readonly log: Logger;
  /** Gives the observer of the calls to a service; without it nobody observes them. */
  readonly onCalled?: ((service: string) => CallObserver) | undefined;
}

/** Clients of the five neighbours on this host. */
export function connectPorts(
  config: ControllerConfig,
  { log, onCalled }: GrpcPortsDeps,
): GrpcPorts {
  const target = (service: string, port: number): ConnectOptions => ({
    port,
    clientName: "controller",
    ...onCalled !== undefined && { onFinished: onCalled(service) },
  });
  const storage = connect(StorageServiceService, target("storage", config.storage_port));
  const executor = connect(EXECUTOR_DEFINITION, target("executor", config.executor_port));
  const kms = connect(KmsServiceService, target("kms", config.kms_port));
  const consensus = connect(ConsensusServiceService, target("consensus", config.consensus_port));
  const network = connect(NetworkServiceService, target("network", config.network_port));
  const clients = [storage, executor, kms, consensus, network];
  return {
    storage: storagePort(storage, log),
    executor: executorPort(executor, log),
    kms: kmsPort(kms, { keyId: config.key_id, log }),
    consensus: consensusPort(consensus, log),
    network: networkPort(network, { port: config.controller_port, log }),
    close: () => clients.forEach((client) => client.close()),
    onLost: (neighbour, listener) =>
      (neighbour === "consensus" ? consensus : network).onDisconnect(listener),
  };
}

/** `Exec` takes bytes here: the block was encoded already, for the log and for storage. */
const EXECUTOR_DEFINITION = rawRequest(ExecutorServiceService, "exec");

/** The answer to a call, or what stands for it when the neighbour is away. */
async function answerOr<Answer, Absent>(
  call: Promise<Answer>,
  { log, absent }: { readonly log: Logger; readonly absent: Absent },
): Promise<Answer | Absent> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof RpcFault)) throw error;
    log.debug(error.message);
    return absent;
  }
}

function storagePort(
  client: RpcClient<typeof StorageServiceService>,
  log: Logger,
): StoragePort {
  const code = StatusCode.StorageServerNotReady;
  return {
    async load(region, key) {
      const absent = { status: { code }, value: EMPTY_BYTES };
      const isBlock = region === Regions.FULL_BLOCK;
      const call = client.load({ region, key }, isBlock ? { deadlineMs: BLOCK_DEADLINE_MS } : {});
      const { status, value } = await answerOr(call, { log, absent });
      return { code: codeOf(status), value };
    },
    async store(record) {
      const call = client.store(record, { deadlineMs: BLOCK_DEADLINE_MS });
      return statusFromWire((await answerOr(call, { log, absent: { code } })).code);
    },
  };
}

function executorPort(
  client: RpcClient<typeof EXECUTOR_DEFINITION>,
  log: Logger,
): ExecutorPort {
  return {
    async exec(encodedBlock) {
      const code = StatusCode.ExecuteServerNotReady;
      const call = client.exec(encodedBlock, { deadlineMs: BLOCK_DEADLINE_MS });
      const absent = { status: { code }, hash: undefined };
      const { status, hash } = await answerOr(call, { log, absent });
      return { code: codeOf(status), stateRoot: hash?.hash ?? EMPTY_BYTES };
    },
  };
}

function kmsPort(
  client: RpcClient<typeof KmsServiceService>,
  { keyId, log }: { readonly keyId: bigint; readonly log: Logger },
): KmsPort {
  const code = StatusCode.KmsServerNotReady;
  const status = { code };
  return {
    async cryptoInfo() {
      const absent = { status, name: "", hashLen: 0, signatureLen: 0, addressLen: 0 };
      const info = await answerOr(client.getCryptoInfo({}), { log, absent });
      return { code: codeOf(info.status), name: info.name, signatureSize: info.signatureLen };
    },
    async sign(msg) {
      const absent = { status, signature: EMPTY_BYTES };
      const signed = await answerOr(client.signMessage({ keyId, msg }), { log, absent });
      return { code: codeOf(signed.status), bytes: signed.signature };
    },
    async recover(msg, signature) {
      const absent = { status, address: EMPTY_BYTES };
      const call = client.recoverSignature({ msg, signature });
      const recovered = await answerOr(call, { log, absent });
      return { code: codeOf(recovered.status), bytes: recovered.address };
    },
    async checkTransactions(transactions) {
      const options = { deadlineMs: BLOCK_DEADLINE_MS };
      const call = client.checkTransactions({ body: [...transactions] }, options);
      return statusFromWire((await answerOr(call, { log, absent: status })).code);
    },
  };
}

function consensusPort(
  client: RpcClient<typeof ConsensusServiceService>,
  log: Logger,
): ConsensusPort {
  const absent = { code: StatusCode.ConsensusServerNotReady };
  return {
    async reconfigure(config) {
      return statusFromWire((await answerOr(client.reconfigure(config), { log, absent })).code);
    },
    async checkBlock(block) {
      return statusFromWire((await answerOr(client.checkBlock(block), { log, absent })).code);
    },
  };
}

function networkPort(
  client: RpcClient<typeof NetworkServiceService>,
  { port, log }: { readonly port: number; readonly log: Logger },
): NetworkPort {
  const absent = { code: StatusCode.NetworkServerNotReady };
  const codeFrom = async (call: Promise<{ readonly code: number }>) =>
    statusFromWire((await answerOr(call, { log, absent })).code);
  return {
    register: () =>
      codeFrom(client.registerNetworkMsgHandler({
        moduleName: MODULE,
        hostname: "127.0.0.1",
        port: `${port}`,
      })),
    send: (origin, type, msg) => codeFrom(client.sendMsg({ module: MODULE, type, origin, msg })),
    broadcast: (type, msg) => codeFrom(client.broadcast({ module: MODULE, type, origin: 0n, msg })),
    addNode: (node) => codeFrom(client.addNode(node)),
    async peerCount() {
      const status = await answerOr(client.getNetworkStatus({}), { log, absent: null });
      return status?.peerCount ?? null;
    },
    async peersNetInfo() {
      const info = await answerOr(client.getPeersNetInfo({}), { log, absent: null });
      return info?.nodes ?? null;
    },
  };
}
