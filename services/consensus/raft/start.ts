import { SYSTEM_RANDOM } from "../../../shared/clock/mod.ts";
import { serveGrpc } from "../../../shared/rpc/mod.ts";
import {
  explained,
  lockFolder,
  type RunningService,
  type ServiceContext,
} from "../../../shared/service/mod.ts";
import { connectController } from "../controller_port.ts";
import { showConsensus, startMetrics } from "../metrics.ts";
import { connectNetwork } from "../network_port.ts";
import { consensusServices } from "../service.ts";
import { checkRaftConfig, nodeOptionsOf, type RAFT_TABLE, type RaftConfig } from "./config.ts";
import { Mail } from "./driver/mail.ts";
import { RaftDriver } from "./driver/driver.ts";
import { openLogFiles } from "./log/log_files.ts";
import { RaftLogFile } from "./log/raft_log_file.ts";
import { RaftLogError } from "./log/state.ts";
import { showNode } from "./metrics.ts";
import { RaftNode } from "./node/node.ts";

/** What a consensus service gets from its process. */
type RaftContext = Pick<
  ServiceContext<typeof RAFT_TABLE.keys>,
  "config" | "clock" | "log"
>;

/** Between attempts to register at the network service. */
const RETRY_MS = 1_000;

/**
 * Reads what was recorded before, looks for the others, and serves (spec/consensus.md, section
 * 9.3). Neither controller nor network need be there: the controller waits for this service to
 * answer first, and is asked for its state at once, which is what a restart of consensus alone
 * needs.
 */
export async function startRaft({ config, clock, log }: RaftContext): Promise<RunningService> {
  checkRaftConfig(config);
  const { controller_port, network_port: networkPort, grpc_listen_port: ownPort } = config;
  log.info(`controller grpc addr: http://127.0.0.1:${controller_port}`);
  log.info(`network grpc addr: http://127.0.0.1:${networkPort}`);
  const metrics = startMetrics(config, { clock, log });
  // two with one log would vote twice
  const lock = await lockFolder(config.wal_path);
  const file = await openLog(config, log);
  const controller = connectController(controller_port, log);
  const network = connectNetwork({
    networkPort,
    ownPort,
    retryMs: RETRY_MS,
    clock,
    log,
    onRegistered: () => mail.probe(),
    onUnreachable: (origin) => mail.sendFailed(origin),
  });
  const options = nodeOptionsOf(config, SYSTEM_RANDOM);
  const mail = new Mail(options.raft, network);
  const node = new RaftNode(options);
  const driver = new RaftDriver({ node, controller, mail, file, clock, log });
  driver.start();
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: ownPort,
    services: consensusServices(driver),
    log,
    ...metrics !== null && { onFinished: metrics.onServed },
  });
  if (metrics !== null) {
    showConsensus(metrics, driver);
    showNode(metrics, node);
  }
  log.info(`grpc port of this service: ${server.port}`);
  const stop = async () => {
    await server.close();
    await driver.stop();
    network.close();
    controller.close();
    lock.close();
    await metrics?.close();
  };
  return { stop };
}

async function openLog(config: RaftConfig, log: RaftContext["log"]): Promise<RaftLogFile> {
  const opened = RaftLogFile.open({
    files: await openLogFiles(config.wal_path),
    preservedMax: config.max_wal_log_file_preserved,
    compactLimit: config.wal_log_file_compact_limit,
    allowCorruptTail: config.allow_corrupt_wal_log_tail,
    log,
  });
  return await explained(opened, RaftLogError);
}
