import type { Clock } from "../../../shared/clock/mod.ts";
import { ConfigError } from "../../../shared/config/mod.ts";
import type { Logger } from "../../../shared/log/mod.ts";
import { type Multiaddr, parseMultiaddr } from "../multiaddr.ts";
import { type RunningNetwork, serveNetwork } from "../serve.ts";
import { Traffic } from "../traffic.ts";
import type { P2pConfig } from "./config.ts";
import { P2pTransport } from "./transport.ts";

/** What the flavour needs from its process. */
export interface P2pContext {
  readonly config: P2pConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A running `network_p2p`. */
export interface RunningP2p extends RunningNetwork {
  /** The TCP port for other nodes. */
  readonly port: number;
}

/** Starts the flavour `network_p2p`; throws for settings that it cannot serve or a taken port. */
export async function startP2p({ config, clock, log }: P2pContext): Promise<RunningP2p> {
  if (config.enable_tls) {
    throw new ConfigError(
      "Cannot use network_p2p.enable_tls: it is not built yet, set it to false",
    );
  }
  const traffic = new Traffic();
  const transport = new P2pTransport({
    port: config.port,
    peers: readPeers(config, log),
    frameSizeMax: config.grpc_frame,
    traffic,
    clock,
    log,
  });
  const network = await serveNetwork({
    transport,
    traffic,
    host: "127.0.0.1",
    grpcPort: config.grpc_port,
    metricsConfig: config,
    hasRemoteModules: false,
    sendsOrigin: true,
    unknownModuleLog: null,
    clock,
    log,
  });
  return { ...network, port: transport.port };
}

/** The configured peers; those that cannot be parsed are left out, as the reference does. */
function readPeers(config: P2pConfig, log: Logger): Multiaddr[] {
  const peers: Multiaddr[] = [];
  for (const { address } of config.peers) {
    const parsed = parseMultiaddr(address);
    if (parsed === null) log.warn(`parse listen multi-addr(${address}) failed`);
    else peers.push(parsed);
  }
  return peers;
}
