import type { Buffer } from "node:buffer";
import * as grpc from "@grpc/grpc-js";
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthService,
} from "../../proto/gen/health.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { useStrictUtf8 } from "../codec/mod.ts";
import type { Logger } from "../log/mod.ts";
import { Admission, type ServerLimits } from "./admission.ts";
import { AdmittedCall } from "./admitted_call.ts";
import {
  type MethodDefinition,
  plainBytes,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from "./definition.ts";
import { type CallObserver, CLIENT_NAME_KEY, methodOf, serviceOf } from "./observer.ts";
import { RpcCode, RpcError } from "./status.ts";

/** One function per method; throws {@linkcode RpcError} to answer with a gRPC status. */
export type Handlers<Definition> = {
  readonly [Method in keyof Definition]: (
    request: RequestOf<Definition[Method]>,
  ) => Promise<ResponseOf<Definition[Method]>>;
};

/** A service ready to be added to a server. */
export interface GrpcService {
  register(server: grpc.Server, context: ServingContext): void;
  /** Full names of what is served, such as `controller.RPCService`. */
  readonly names: ReadonlySet<string>;
  /** Encoded answers by path of method when a {@linkcode ServerLimits} is reached. */
  readonly refusals: ReadonlyMap<string, Buffer>;
}

/** What the handlers of a server share. */
export interface ServingContext {
  readonly log: Logger;
  readonly onFinished?: CallObserver | undefined;
}

/** Answers that methods give when the server can take no further call. */
export type Refusals<Definition> = {
  readonly [Method in keyof Definition]?: ResponseOf<Definition[Method]>;
};

/** A server that accepts calls. */
export interface RpcServer {
  /** The port that it listens on; the one asked for unless that was 0. */
  readonly port: number;
  /** Refuses new calls, lets the running ones finish for a moment, then cuts them off. */
  close(): Promise<void>;
}

/** Where and what to serve. */
export interface ServeOptions {
  readonly host: string;
  /** 0 asks the system for a free port. */
  readonly port: number;
  readonly services: readonly GrpcService[];
  readonly log: Logger;
  /** Answers `grpc.health.v1.Health/Check`; serving by default. */
  readonly isReady?: () => boolean;
  /** Learns of every call to `services` that a handler answered. */
  readonly onFinished?: CallObserver;
  /** Bounds the memory of the calls to `services`; the health service is never refused. */
  readonly limits?: ServerLimits;
}

/** How long running calls may go on after {@linkcode RpcServer.close}. */
const CLOSE_GRACE_MS = 2_000;

const SERVER_OPTIONS: grpc.ServerOptions = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  // peers keep one connection for long; never answer their pings with "too many pings"
  "grpc.keepalive_permit_without_calls": 1,
};

type AnyMethod = MethodDefinition<unknown, unknown>;

/**
 * Binds handlers to a service definition of `proto/gen`. A method without an entry in `refusals`
 * refuses with the gRPC status RESOURCE_EXHAUSTED.
 */
export function grpcService<Definition extends ServiceDefinition<Definition>>(
  definition: Definition,
  handlers: Handlers<Definition>,
  refusals: Refusals<Definition> = {},
): GrpcService {
  const refusalByPath = new Map<string, Buffer>();
  for (const [name, answer] of Object.entries(refusals)) {
    const method = definition[name as keyof Definition] as AnyMethod;
    refusalByPath.set(method.path, method.responseSerialize(answer));
  }
  const paths = Object.keys(definition)
    .map((name) => (definition[name as keyof Definition] as AnyMethod).path);
  return {
    names: new Set(paths.map(serviceOf)),
    refusals: refusalByPath,
    register(server, context) {
      const methods: Record<string, grpc.MethodDefinition<unknown, Buffer>> = {};
      const implementation: grpc.UntypedServiceImplementation = {};
      for (const name of Object.keys(definition)) {
        const method = definition[name as keyof Definition] as AnyMethod;
        methods[name] = servedMethod(method);
        const handle = handlers[name as keyof Definition] as (request: unknown) => Promise<unknown>;
        const answer = async (request: unknown) => method.responseSerialize(await handle(request));
        const handler = unaryHandler(name, answer, context.log);
        implementation[name] = observed(handler, method.path, context.onFinished);
      }
      server.addService(methods, implementation);
    },
  };
}

/** The library is given answers that are encoded: their size is known then. */
function servedMethod(method: AnyMethod): grpc.MethodDefinition<unknown, Buffer> {
  return {
    ...method,
    requestDeserialize: (bytes) => method.requestDeserialize(plainBytes(bytes)),
    responseSerialize: (bytes) => bytes,
    responseDeserialize: (bytes) => bytes,
  };
}

function unaryHandler(
  name: string,
  answer: (request: unknown) => Promise<Buffer>,
  log: Logger,
): grpc.handleUnaryCall<unknown, Buffer> {
  return (call, callback) => {
    answer(call.request).then(
      (response) => callback(null, response),
      (cause: unknown) => {
        if (cause instanceof RpcError) {
          callback({ code: cause.code, details: cause.message });
          return;
        }
        log.error(`${name} failed`, { cause });
        callback({ code: RpcCode.Internal, details: `${name} failed: see the log of the service` });
      },
    );
  };
}

/** The handler, followed by the observer if there is one. */
function observed(
  handler: grpc.handleUnaryCall<unknown, Buffer>,
  path: string,
  onFinished: CallObserver | undefined,
): grpc.handleUnaryCall<unknown, Buffer> {
  if (onFinished === undefined) return handler;
  const method = methodOf(path);
  return (call, callback) => {
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const [name] = call.metadata.get(CLIENT_NAME_KEY);
    const clientName = typeof name === "string" ? name : null;
    handler(call, (error, response) => {
      callback(error, response);
      const code = error?.code ?? RpcCode.Ok;
      const durationMs = SYSTEM_CLOCK.monotonicMs() - startMs;
      onFinished({ method, code, durationMs, clientName });
    });
  };
}

/** Listens for plain-text gRPC calls; throws when the port cannot be bound. */
export async function serveGrpc(options: ServeOptions): Promise<RpcServer> {
  const { host, port, services, log, limits, onFinished } = options;
  useStrictUtf8();
  grpc.setLogVerbosity(grpc.logVerbosity.NONE); // failures reach the caller, who logs them
  const server = new grpc.Server({
    ...SERVER_OPTIONS,
    ...limits !== undefined && limitOptions(limits, services),
  });
  for (const service of services) service.register(server, { log, onFinished });
  healthService(options).register(server, { log });
  const boundPort = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) return resolve(bound);
      const text = `Cannot listen on ${host}:${port}: it must be free, got "${error.message}"`;
      reject(new Error(text, { cause: error }));
    });
  });
  return { port: boundPort, close: () => closeServer(server) };
}

/** The whole server has one health; asked by name it knows the services that it serves. */
function healthService({ services, isReady = () => true }: ServeOptions): GrpcService {
  const names = new Set(services.flatMap((service) => [...service.names]));
  return grpcService(HealthService, {
    check({ service }) {
      if (service !== "" && !names.has(service)) {
        return Promise.reject(new RpcError(RpcCode.NotFound, "unknown service"));
      }
      const status = isReady() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
      return Promise.resolve({ status });
    },
  });
}

function limitOptions(limits: ServerLimits, services: readonly GrpcService[]): grpc.ServerOptions {
  const admission = new Admission(limits);
  const refusals = new Map(services.flatMap((service) => [...service.refusals]));
  const interceptor: grpc.ServerInterceptor = ({ path }, call) =>
    path.startsWith("/grpc.health.")
      ? new grpc.ServerInterceptingCall(call)
      : new AdmittedCall(call, { admission, refusal: refusals.get(path) });
  return {
    interceptors: [interceptor],
    "grpc.max_concurrent_streams": limits.connectionCallsMax,
  };
}

function closeServer(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const forced = setTimeout(() => server.forceShutdown(), CLOSE_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(forced);
      resolve();
    });
  });
}
