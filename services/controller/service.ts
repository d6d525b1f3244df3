import {
  Consensus2ControllerServiceService,
  RPCServiceService,
} from "../../proto/gen/controller.ts";
import { NetworkMsgHandlerServiceService } from "../../proto/gen/network.ts";
import { SYSTEM_RANDOM } from "../../shared/clock/mod.ts";
import { type HashFunction, loadSuite } from "../../shared/crypto/mod.ts";
import {
  type GrpcService,
  grpcService,
  RpcCode,
  RpcError,
  serveGrpc,
} from "../../shared/rpc/mod.ts";
import {
  explained,
  lockFolder,
  type RunningService,
  type ServiceContext,
} from "../../shared/service/mod.ts";
import { StatusCode, StatusError, statusName } from "../../shared/status/mod.ts";
import { WalError } from "../../shared/wal/mod.ts";
import { CONTROLLER_TABLE, readSettings } from "./config.ts";
import { Controller, type SendOutcome } from "./controller.ts";
import { ChainDataError } from "./flows/chain_data.ts";
import { VERSION } from "./flows/queries.ts";
import { connectPorts } from "./grpc_ports.ts";
import { isHealthy } from "./health.ts";
import { journalPath, openJournal } from "./journal.ts";
import { startMetrics } from "./metrics.ts";
import { openWal } from "./wal.ts";

/** A controller that accepts calls. */
export interface RunningController extends RunningService {
  /** Where; of use when the configuration left the choice to the system. */
  readonly port: number;
}

/** Starts a controller and serves it; resolves when it accepts calls. */
export async function startController(
  context: ServiceContext<(typeof CONTROLLER_TABLE)["keys"]>,
): Promise<RunningController> {
  const { config, document, log, clock, signal } = context;
  const settings = readSettings(config, document);
  log.info(`grpc port of this service: ${config.controller_port}`);
  const metrics = startMetrics(config, clock);
  if (metrics !== null) log.info(`metrics port of this service: ${config.metrics_port}`);
  // two of them would clear each other's log and journal
  const lock = await lockFolder(config.wal_path);
  const { close, onLost, ...neighbours } = connectPorts(config, {
    log,
    onCalled: metrics?.onCalled,
  });
  const wal = await explained(openWal(config.wal_path, log), WalError);
  const journal = config.tx_persistence
    ? await explained(openJournal(journalPath(config.wal_path), log), WalError)
    : null;
  const ports = { ...neighbours, wal, journal };
  const environment = { ports, clock, random: SYSTEM_RANDOM, log, signal, loadHash };
  const controller = await explained(Controller.start(settings, environment), ChainDataError);
  onLost("consensus", () => controller.consensusLost());
  onLost("network", () => controller.networkLost());
  log.info("start grpc server!");
  const server = await serveGrpc({
    host: "0.0.0.0",
    port: config.controller_port,
    services: controllerServices(controller),
    log,
    isReady: () => isHealthy(controller, 1_000 * config.health_check_timeout),
    ...metrics !== null && { onFinished: metrics.onServed },
  });
  metrics?.show(controller);
  const running = controller.run();
  return {
    port: server.port,
    async stop() {
      await server.close();
      await controller.stop();
      await running;
      close();
      lock.close();
      await metrics?.close();
    },
  };
}

async function loadHash(suiteName: string): Promise<HashFunction> {
  if (suiteName !== "sm" && suiteName !== "eth") {
    throw new Error(`Cannot use the kms: its suite must be "sm" or "eth", got "${suiteName}"`);
  }
  return (await loadSuite(suiteName)).hash;
}

/** The three services of a controller, on one port. */
export function controllerServices(controller: Controller): GrpcService[] {
  return [userService(controller), consensusService(controller), networkService(controller)];
}

/** What users call: every refusal is `INVALID_ARGUMENT` with the name of the code. */
function userService(controller: Controller): GrpcService {
  const { queries } = controller;
  return grpcService(RPCServiceService, {
    getBlockNumber: async () => ({ blockNumber: await queries.blockNumber() }),
    sendRawTransaction: async (raw) => {
      const [hash] = hashesOf(await controller.send(raw));
      return { hash: hash ?? new Uint8Array() };
    },
    sendRawTransactions: async ({ body }) => {
      const hashes = hashesOf(await controller.sendBatch(body));
      return { hashes: hashes.map((hash) => ({ hash })) };
    },
    getBlockByHash: ({ hash }) => refusable(queries.blockByHash(hash)),
    getBlockByNumber: ({ blockNumber }) => refusable(queries.blockByNumber(blockNumber)),
    getTransaction: ({ hash }) => refusable(queries.transaction(hash)),
    getSystemConfig: () => Promise.resolve(queries.systemConfig()),
    getVersion: () => Promise.resolve({ version: VERSION }),
    getBlockHash: async ({ blockNumber }) => ({
      hash: await refusable(queries.blockHash(blockNumber)),
    }),
    getTransactionBlockNumber: async ({ hash }) => ({
      blockNumber: (await refusable(queries.transactionPlace(hash))).height,
    }),
    getTransactionIndex: async ({ hash }) => ({
      txIndex: (await refusable(queries.transactionPlace(hash))).index,
    }),
    getPeerCount: async () => ({ peerCount: await refusable(queries.peerCount()) }),
    addNode: async (info) => ({ code: await controller.addNode(info) }),
    getPeersInfo: async () => ({ nodes: await refusable(queries.peersInfo()) }),
    getBlockDetailByNumber: ({ blockNumber }) => refusable(queries.blockDetail(blockNumber)),
    getHeightByHash: async ({ hash }) => ({
      blockNumber: await refusable(queries.heightByHash(hash)),
    }),
    getStateRootByNumber: async ({ blockNumber }) => {
      const stateRoot = await queries.stateRoot(blockNumber);
      if (stateRoot === null) throw new RpcError(RpcCode.InvalidArgument, "NoStateRoot");
      return { stateRoot };
    },
    getProofByNumber: async ({ blockNumber }) => ({
      proof: await refusable(queries.proof(blockNumber)),
    }),
    getNodeStatus: () => refusable(queries.nodeStatus()),
    getSystemConfigByNumber: ({ blockNumber }) => refusable(queries.systemConfigFor(blockNumber)),
  });
}

/** The reference takes until its memory is full; clients of 6.7 try again at this status. */
const POOL_FULL = "Cannot take the transaction: too many (tx_pool_count_max) or too large ones " +
  "(tx_pool_size_max) wait for a block, or more than the share of their sender; try again after a " +
  "block or at another node";

function hashesOf({ code, hashes }: SendOutcome): SendOutcome["hashes"] {
  if (code === StatusCode.Success) return hashes;
  if (code === StatusCode.PoolFull) throw new RpcError(RpcCode.ResourceExhausted, POOL_FULL);
  throw new RpcError(RpcCode.InvalidArgument, statusName(code));
}

async function refusable<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new RpcError(RpcCode.InvalidArgument, statusName(error.code), { cause: error });
  }
}

/** What consensus calls: codes travel in the answer. */
function consensusService(controller: Controller): GrpcService {
  const { log } = controller.node.env;
  // while the node synchronises, consensus asks again and again: each answer is told once
  const lastCodes = new Map<string, StatusCode>();
  const report = (call: string, code: StatusCode) => {
    const isNews = lastCodes.get(call) !== code;
    lastCodes.set(call, code);
    if (code === StatusCode.Success || code === StatusCode.NoTransaction || !isNews) return;
    log.warn(`rpc: ${call} failed: ${statusName(code)}`);
  };
  return grpcService(Consensus2ControllerServiceService, {
    getProposal: async () => {
      const { code, proposal } = await controller.getProposal();
      report("get_proposal", code);
      return { status: { code }, proposal };
    },
    checkProposal: async (proposal) => {
      const code = await controller.checkProposal(proposal);
      report("check_proposal", code);
      return { code };
    },
    commitBlock: async ({ proposal, proof }) => {
      if (proposal === undefined) {
        throw new RpcError(RpcCode.InvalidArgument, statusName(StatusCode.NoneProposal));
      }
      const { code, config } = await controller.commitBlock(proposal, proof);
      report("commit_block", code);
      return { status: { code }, config };
    },
  });
}

/** What the network service calls with messages of peers. */
function networkService(controller: Controller): GrpcService {
  return grpcService(NetworkMsgHandlerServiceService, {
    processNetworkMsg: async (message) => ({ code: await controller.processNetworkMsg(message) }),
  });
}
