import type { Clock } from "../../../shared/clock/mod.ts";
import type { ConfigDocument } from "../../../shared/config/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { type RunningNetwork, serveNetwork } from "../serve.ts";
import { Traffic } from "../traffic.ts";
import type { Carrier } from "./carrier.ts";
import type { DomainConfig, DomainTable } from "./config.ts";
import { type Identity, ownProblem, readIdentity } from "./identity.ts";
import { ConfigWatch } from "./reload.ts";
import { DomainTransport } from "./transport.ts";

/** What a flavour with certificates needs from its process. */
export interface DomainContext {
  readonly config: DomainConfig;
  /** The file that the configuration came from, watched for changed peers. */
  readonly document: ConfigDocument;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a carrier is made of. */
export interface CarrierOptions {
  readonly identity: Identity;
  /** Port for other nodes; 0 lets the system choose. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A running service of known domains. */
export interface RunningDomains extends RunningNetwork {
  /** The port for other nodes. */
  readonly port: number;
}

/** In what the flavours differ. */
export interface DomainFlavour {
  readonly table: DomainTable;
  /** Rejects when the flavour cannot do here what it promises. */
  createCarrier(options: CarrierOptions): Promise<Carrier>;
}

/** A `reconnect_timeout` of 0 is no reason to dial without a pause. */
const REDIAL_MS_MIN = 100;

/** Starts a flavour with certificates; throws for settings that it cannot serve or a taken port. */
export async function startDomains(
  { table, createCarrier }: DomainFlavour,
  { config, document, clock, log }: DomainContext,
): Promise<RunningDomains> {
  const watch = new ConfigWatch({
    path: document.fileName,
    table,
    intervalMs: 1_000 * config.try_hot_update_interval,
    onPeers: (peers) => transport.setPeers(peers),
    clock,
    log,
  });
  const identity = readIdentity(table.name, config);
  const problem = ownProblem(identity, clock.nowMs());
  if (problem !== null) log.warn(`peers will refuse ${table.name}.cert: ${problem}`);
  const carrier = await createCarrier({ identity, port: config.listen_port, clock, log });
  const traffic = new Traffic();
  const transport = new DomainTransport({
    carrier,
    ownDomains: identity.chain[0].dnsNames,
    peers: config.peers,
    redialMs: Math.max(REDIAL_MS_MIN, 1_000 * config.reconnect_timeout),
    traffic,
    clock,
    log,
  });
  const network = await serveNetwork({
    transport,
    traffic,
    host: "0.0.0.0",
    grpcPort: config.grpc_port,
    metricsConfig: config,
    hasRemoteModules: true,
    sendsOrigin: false,
    unknownModuleLog: "unregistered module, will drop msg",
    clock,
    log,
  });
  watch.start();
  const stop = async () => {
    watch.stop();
    await network.stop();
  };
  return { ...network, port: carrier.port, stop };
}
