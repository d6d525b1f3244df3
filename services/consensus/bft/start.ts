import { toHex } from "../../../shared/bytes/mod.ts";
import { loadSuite } from "../../../shared/crypto/mod.ts";
import { serveGrpc } from "../../../shared/rpc/mod.ts";
import {
  explained,
  lockFolder,
  type RunningService,
  type ServiceContext,
} from "../../../shared/service/mod.ts";
import { WalError } from "../../../shared/wal/mod.ts";
import { connectController } from "../controller_port.ts";
import { showConsensus, startMetrics } from "../metrics.ts";
import { connectNetwork } from "../network_port.ts";
import { consensusServices } from "../service.ts";
import { type BFT_TABLE, retryMsOf, timingOf } from "./config.ts";
import { BftCore } from "./core/core.ts";
import { BftDriver } from "./driver/driver.ts";
import { connectKms } from "./kms_port.ts";
import { showValidator } from "./metrics.ts";
import { suiteCrypto } from "./suite_crypto.ts";
import { openAuthorityFile } from "./wal/authority_file.ts";
import { openLog } from "./wal/open_log.ts";

/** What a consensus service gets from its process. */
export type BftContext = Pick<
  ServiceContext<typeof BFT_TABLE.keys>,
  "config" | "clock" | "log" | "signal"
>;

/** How long the start waits for a controller that is there but slow. */
const FIRST_CONFIGURATION_MS = 2_000;

/**
 * Waits for the kms, reads what was voted before, and serves (spec/consensus.md, section 2.3). The
 * controller is asked for its state at once, which is what a restart of consensus alone needs; it
 * need not be there, since it waits for this service to answer first.
 */
export async function startBft(
  { config, clock, log, signal }: BftContext,
): Promise<RunningService> {
  log.info("start consensus bft");
  log.info(`grpc port of this service: ${config.consensus_port}`);
  const metrics = startMetrics(config, { clock, log });
  // two that vote with one key would vote twice
  const lock = await lockFolder(config.wal_path);
  const retryMs = retryMsOf(config);
  const kms = connectKms({ port: config.kms_port, keyId: config.key_id, retryMs, clock, log });
  const suiteName = await kms.waitUntilReady(signal);
  if (suiteName === null) throw new Error("Stopped while waiting for the kms");
  const suite = await loadSuite(suiteName);
  if (suite.fallbackReason !== null) log.error(suite.fallbackReason);
  const crypto = suiteCrypto(suite);
  const core = new BftCore({ own: toHex(config.node_address), crypto, timing: timingOf(config) });
  const { wal, height, contentByHeight } = await explained(openLog(config.wal_path), WalError);
  const { store: authorityStore, authorities } = await openAuthorityFile(config.authority_path);
  const controller = connectController(config.controller_port, log);
  const { network_port: networkPort, consensus_port: ownPort } = config;
  const network = connectNetwork({ networkPort, ownPort, retryMs, clock, log });
  const driver = new BftDriver({ core, controller, network, kms, wal, authorityStore, clock, log });
  driver.post({ kind: "start", authorities, height, contentByHeight });
  await waitForConfiguration(driver, { clock, signal });
  const server = await serveGrpc({
    host: "127.0.0.1",
    port: ownPort,
    services: consensusServices(driver),
    log,
    ...metrics !== null && { onFinished: metrics.onServed },
  });
  if (metrics !== null) {
    showConsensus(metrics, driver);
    showValidator(metrics, core.view);
  }
  log.info("start grpc server!");
  const stop = async () => {
    await server.close();
    await driver.stop();
    network.close();
    controller.close();
    kms.close();
    lock.close();
    await metrics?.close();
  };
  return { stop };
}

async function waitForConfiguration(
  driver: BftDriver,
  { clock, signal }: Pick<BftContext, "clock" | "signal">,
): Promise<void> {
  const answered = new AbortController();
  const patience = AbortSignal.any([signal, answered.signal]);
  await Promise.race([driver.firstConfiguration, clock.sleep(FIRST_CONFIGURATION_MS, patience)]);
  answered.abort();
}
