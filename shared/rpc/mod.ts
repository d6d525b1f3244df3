/**
 * Plain-text gRPC between the services of a node and to their users (spec/protocol.md, section 2):
 * no message size limit, a deadline on every call, reconnecting clients, the health service.
 *
 * @module
 */

export type { ServerLimits } from "./admission.ts";
export {
  type CallOptions,
  connect,
  type ConnectOptions,
  connectRaw,
  type RawClient,
  type RpcClient,
} from "./client.ts";
export {
  rawRequest,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
  type WithRawRequest,
} from "./definition.ts";
export { type CallObserver, type FinishedCall } from "./observer.ts";
export {
  type Caller,
  type GrpcService,
  grpcService,
  type Handlers,
  type Refusals,
  undecodable,
} from "./grpc_service.ts";
export { type MethodsApart, type RpcServer, serveGrpc, type ServeOptions } from "./server.ts";
export { RpcCode, RpcError, RpcFault } from "./status.ts";
