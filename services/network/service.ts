import { NetworkServiceService } from "../../proto/gen/network.ts";
import { type GrpcService, grpcService, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { Dispatcher } from "./dispatch.ts";
import { encodeFrame } from "./frame.ts";
import type { Transport } from "./transport.ts";

/** What the handlers work with. */
export interface NetworkDeps {
  readonly transport: Transport;
  readonly dispatcher: Dispatcher;
}

/** The gRPC face of the network (spec/network.md, sections 1 and 3.9). */
export function networkService({ transport, dispatcher }: NetworkDeps): GrpcService {
  return grpcService(NetworkServiceService, {
    async sendMsg(message) {
      return { code: await transport.send(message.origin, encodeFrame(message)) };
    },
    broadcast(message) {
      return Promise.resolve({ code: transport.broadcast(encodeFrame(message)) });
    },
    getNetworkStatus() {
      return Promise.resolve({ peerCount: transport.peerCount() });
    },
    registerNetworkMsgHandler({ moduleName, port }) {
      if (!dispatcher.register(moduleName, port)) {
        throw new RpcError(RpcCode.ResourceExhausted, "too many modules are registered");
      }
      return Promise.resolve({ code: StatusCode.Success });
    },
    addNode({ multiAddress }) {
      return Promise.resolve({ code: transport.dial(multiAddress) });
    },
    getPeersNetInfo() {
      return Promise.resolve({ nodes: [...transport.peers()] });
    },
  });
}
