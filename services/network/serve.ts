import { NetworkMsgHandlerServiceService } from "../../proto/gen/network.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { connect, serveGrpc } from "../../shared/rpc/mod.ts";
import { type MetricsConfig, ServiceMetrics } from "../../shared/service/mod.ts";
import { Dispatcher } from "./dispatch.ts";
import { METRICS_PREFIX, showNetwork } from "./metrics.ts";
import type { ModuleAddress } from "./module_address.ts";
import { type FaceOptions, networkService } from "./service.ts";
import type { Traffic } from "./traffic.ts";
import type { Transport } from "./transport.ts";

/** What a network service is made of. */
export interface NetworkParts extends FaceOptions {
  readonly transport: Transport;
  /** What the transport and the dispatcher count with. */
  readonly traffic: Traffic;
  /** Where the modules of this node call it. */
  readonly host: string;
  readonly grpcPort: number;
  readonly metricsConfig: MetricsConfig;
  /** Logged for a message to an unknown module; null for nothing. */
  readonly unknownModuleLog: string | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A network service that accepts calls and connections. */
export interface RunningNetwork {
  readonly grpcPort: number;
  stop(): Promise<void>;
}

/** Starts the transport and the gRPC server of any flavour; throws when a port is taken. */
export async function serveNetwork(parts: NetworkParts): Promise<RunningNetwork> {
  const { transport, traffic, host, grpcPort, metricsConfig, clock, log } = parts;
  log.info(`grpc port of this service: ${grpcPort}`);
  const metrics = ServiceMetrics.start(METRICS_PREFIX, metricsConfig, clock);
  const connectModule = (address: ModuleAddress) =>
    connect(NetworkMsgHandlerServiceService, {
      ...address,
      clientName: "network",
      ...metrics !== null && { onFinished: metrics.onCalled("module") },
    });
  const { unknownModuleLog } = parts;
  const dispatcher = new Dispatcher({ connectModule, traffic, unknownModuleLog, clock, log });
  const close = async () => {
    await transport.close();
    dispatcher.close();
    await metrics?.close();
  };
  try {
    await transport.listen({ message: (origin, bytes) => dispatcher.deliver(origin, bytes) });
    log.info("Start network!");
    const services = [networkService({ ...parts, dispatcher })];
    const onFinished = metrics === null ? {} : { onFinished: metrics.onServed };
    const server = await serveGrpc({ host, port: grpcPort, services, log, ...onFinished });
    if (metrics !== null) showNetwork(metrics, { transport, dispatcher, traffic });
    log.info("Start grpc server!");
    const stop = async () => {
      await server.close();
      await close();
    };
    return { grpcPort: server.port, stop };
  } catch (cause) {
    await close();
    throw cause;
  }
}
