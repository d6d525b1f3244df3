import { RPCServiceService } from "../../../proto/gen/evm.ts";
import { ExecutorServiceService } from "../../../proto/gen/executor.ts";
import type { Clock } from "../../../shared/clock/mod.ts";
import { LevelError, openLevel } from "../../../shared/level/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import {
  grpcService,
  type MethodsApart,
  serveGrpc,
  type ServerLimits,
} from "../../../shared/rpc/mod.ts";
import {
  explained,
  type RunningService,
  type ServiceMetrics,
} from "../../../shared/service/mod.ts";
import { executorHandlers } from "../service.ts";
import { FormatError, MissingRecordError } from "./chain/records.ts";
import { loadChainParts } from "./chain_parts.ts";
import type { EvmConfig } from "./config.ts";
import { EvmExecutor } from "./executor.ts";
import { showBlocks, showExecutor, startMetrics } from "./metrics.ts";
import { evmRpcHandlers } from "./rpc.ts";
import { STARTED_MAX } from "./schedule/call_queue.ts";

/**
 * A table is 2 MiB and mapped into memory while it is open: with the 1,000 of LevelDB a large state
 * takes 2 GB. A read that has to open a table first takes 40 µs instead of 10. With a buffer of four
 * times the default, tables are merged less often.
 */
const STORE_SIZES = { openFilesMax: 200, writeBufferBytes: 16 * 1024 * 1024 };

/**
 * What queries may hold in memory. Answers that wait for slow readers count as well, so blocks are
 * exempt: they must not wait for whoever reads slowly.
 */
const QUERY_LIMITS: ServerLimits = {
  connectionCallsMax: 10_000,
  callsMax: 10_000,
  requestBytesMax: 16 * 1024 * 1024,
  handledCallsMax: 64,
  answerBytesMax: 128 * 1024 * 1024,
  answerTimeoutMs: 60_000,
};

/**
 * What read-only calls may hold, which take long and must not keep queries out. As many are let in
 * as run by turns: of those an answer may come at any time, and be of 5 MB, the largest memory that
 * the quota of a call pays for. There is room for that of each.
 */
const CALL_LIMITS: ServerLimits = {
  ...QUERY_LIMITS,
  requestBytesMax: 128 * 1024 * 1024,
  handledCallsMax: STARTED_MAX,
  answerBytesMax: STARTED_MAX * 5 * 1024 * 1024,
};

/** The methods of either. Blocks are neither refused nor do they wait. */
const METHODS_APART: readonly MethodsApart[] = [
  { paths: [ExecutorServiceService.exec.path] },
  {
    paths: [ExecutorServiceService.call.path, RPCServiceService.estimateQuota.path],
    limits: CALL_LIMITS,
  },
];

/** What an executor process runs with. */
export interface EvmOptions {
  readonly config: EvmConfig;
  readonly log: Logger;
  readonly clock: Clock;
}

/** An executor that accepts calls. */
export interface RunningEvm extends RunningService {
  /** The port that it listens on. */
  readonly port: number;
}

/**
 * Opens the data folder and serves it.
 *
 * @throws {StartRefusal} when the folder or the port of the metrics cannot be used, with a text for
 * the operator; other errors when the port cannot
 */
export async function startEvm({ config, log, clock }: EvmOptions): Promise<RunningEvm> {
  log.info(`grpc port of this service: ${config.executor_port}`);
  const metrics = startMetrics(config, { clock, log });
  try {
    const running = await serveExecutor({ config, log, metrics });
    return {
      port: running.port,
      async stop() {
        await running.stop();
        await metrics?.close();
      },
    };
  } catch (error) {
    await metrics?.close();
    throw error;
  }
}

interface ServeOptions extends Omit<EvmOptions, "clock"> {
  readonly metrics: ServiceMetrics | null;
}

async function serveExecutor({ config, log, metrics }: ServeOptions): Promise<RunningEvm> {
  const { executor_port: port, db_path: path } = config;
  const executor = new EvmExecutor({
    async open() {
      const store = await openLevel(path, STORE_SIZES);
      for (const piece of store.leftOut) log.error("records may be lost", { piece });
      return store;
    },
    ...await loadChainParts(config),
    callTimeLimitMs: config.call_time_limit_ms,
    ...metrics !== null && { onExecuted: showBlocks(metrics) },
    log,
  });
  try {
    await explained(executor.start(), LevelError, FormatError, MissingRecordError);
    if (metrics !== null) showExecutor(metrics, executor);
    const services = [
      grpcService(ExecutorServiceService, executorHandlers(executor)),
      grpcService(RPCServiceService, evmRpcHandlers({ executor, log })),
    ];
    const server = await serveGrpc({
      host: "0.0.0.0",
      port,
      services,
      log,
      limits: QUERY_LIMITS,
      apart: METHODS_APART,
      ...metrics !== null && { onFinished: metrics.onServed },
    });
    return {
      port: server.port,
      async stop() {
        await server.close();
        await executor.close();
      },
    };
  } catch (error) {
    await executor.close();
    throw error;
  }
}
