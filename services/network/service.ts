import { NetworkServiceService } from "../../proto/gen/network.ts";
import { type GrpcService, grpcService, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { Dispatcher } from "./dispatch.ts";
import { encodeFrame } from "./frame.ts";
import { parseModuleAddress } from "./module_address.ts";
import type { Transport } from "./transport.ts";

/** In what the gRPC faces of the flavours differ (spec/network.md, sections 3.9 and 4.7). */
export interface FaceOptions {
  /** Whether modules may be on other hosts; if not, the host that they register is ignored. */
  readonly hasRemoteModules: boolean;
  /** Whether the origin of a message goes onto the wire as the module has set it. */
  readonly sendsOrigin: boolean;
}

/** What the handlers work with. */
export interface NetworkDeps extends FaceOptions {
  readonly transport: Transport;
  readonly dispatcher: Dispatcher;
}

/** The gRPC face of the network (spec/network.md, sections 1, 3.9 and 4.7). */
export function networkService(deps: NetworkDeps): GrpcService {
  const { transport, dispatcher, sendsOrigin } = deps;
  return grpcService(NetworkServiceService, {
    async sendMsg(message) {
      const frame = encodeFrame(sendsOrigin ? message : { ...message, origin: 0n });
      return { code: await transport.send(message.origin, frame) };
    },
    broadcast(message) {
      const frame = encodeFrame(sendsOrigin ? message : { ...message, origin: 0n });
      return Promise.resolve({ code: transport.broadcast(frame) });
    },
    getNetworkStatus() {
      return Promise.resolve({ peerCount: transport.peerCount() });
    },
    registerNetworkMsgHandler({ moduleName, hostname, port }) {
      const address = moduleAddress(hostname, port, deps);
      if (!dispatcher.register(moduleName, address)) {
        throw new RpcError(RpcCode.ResourceExhausted, "too many modules are registered");
      }
      return Promise.resolve({ code: StatusCode.Success });
    },
    addNode({ multiAddress }) {
      const answer = transport.dial(multiAddress);
      if (typeof answer === "number") return Promise.resolve({ code: answer });
      throw new RpcError(RpcCode.InvalidArgument, answer.reason);
    },
    getPeersNetInfo() {
      return Promise.resolve({ nodes: [...transport.peers()] });
    },
  });
}

/** What a URI may have between its slashes; the reference looks at no more when modules register. */
const AUTHORITY = /^[-A-Za-z0-9._~!$&'()*+,;=:@%[\]]+$/;

/**
 * Where a module is; null makes its messages be dropped, which is what the reference does with a
 * port that is no number.
 */
function moduleAddress(hostname: string, port: string, { hasRemoteModules }: FaceOptions) {
  if (!hasRemoteModules) return parseModuleAddress("127.0.0.1", port);
  if (hostname === "" || !AUTHORITY.test(`${hostname}:${port}`)) {
    throw new RpcError(RpcCode.InvalidArgument, `invalid host and port: ${hostname}:${port}`);
  }
  return parseModuleAddress(hostname, port);
}
