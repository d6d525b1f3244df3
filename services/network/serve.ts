import { NetworkMsgHandlerServiceService } from "../../proto/gen/network.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { connect, serveGrpc } from "../../shared/rpc/mod.ts";
import { Dispatcher } from "./dispatch.ts";
import { networkService } from "./service.ts";
import type { Transport } from "./transport.ts";

/** What a network service is made of. */
export interface NetworkParts {
  readonly transport: Transport;
  /** Where the modules of this node call it; p2p listens on this host only. */
  readonly host: string;
  readonly grpcPort: number;
  readonly log: Logger;
}

/** A network service that accepts calls and connections. */
export interface RunningNetwork {
  readonly grpcPort: number;
  stop(): Promise<void>;
}

/** Starts the transport and the gRPC server of any flavour; throws when a port is taken. */
export async function serveNetwork(parts: NetworkParts): Promise<RunningNetwork> {
  const { transport, host, grpcPort, log } = parts;
  log.info(`grpc port of this service: ${grpcPort}`);
  const connectModule = (port: number) =>
    connect(NetworkMsgHandlerServiceService, { port, clientName: "network" });
  const dispatcher = new Dispatcher({ connectModule, log });
  await transport.listen({ message: (origin, bytes) => dispatcher.deliver(origin, bytes) });
  log.info("Start network!");
  try {
    const services = [networkService({ transport, dispatcher })];
    const server = await serveGrpc({ host, port: grpcPort, services, log });
    log.info("Start grpc server!");
    const stop = async () => {
      await server.close();
      await transport.close();
      dispatcher.close();
    };
    return { grpcPort: server.port, stop };
  } catch (cause) {
    await transport.close();
    throw cause;
  }
}
