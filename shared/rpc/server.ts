import http2, {
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthService,
} from "../../proto/gen/health.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { useStrictUtf8 } from "../codec/mod.ts";
import type { Logger } from "../log/mod.ts";
import { Admission, type ServerLimits } from "./admission.ts";
import { statusHeaders } from "./call_status.ts";
import { type GrpcMethod, type GrpcService, grpcService } from "./grpc_service.ts";
import { type CallObserver, CLIENT_NAME_KEY, methodOf, serviceOf } from "./observer.ts";
import { type Answer, ANSWER_HEADERS, ServedCall, type ServedMethod } from "./served_call.ts";
import { RpcCode, RpcError } from "./status.ts";
import { WriteBatch } from "./write_batch.ts";

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
  /** Methods that must not wait for the others, nor those for them. */
  readonly apart?: readonly MethodsApart[];
}

/** Methods whose calls are counted for themselves. */
export interface MethodsApart {
  readonly paths: readonly string[];
  /** `connectionCallsMax` is that of the server; without limits they are never refused. */
  readonly limits?: ServerLimits;
}

/** How long running calls may go on after {@linkcode RpcServer.close}. */
const CLOSE_GRACE_MS = 2_000;

/** A peer that vanished without a word is noticed after a silence of about that long. */
const KEEP_ALIVE_MS = 30_000;

/** What a caller may send before it must wait for us: a large block comes in few steps. */
const WINDOW_SIZE = 1024 * 1024;

/** A server without limits refuses nobody. */
const NO_LIMITS: ServerLimits = {
  connectionCallsMax: 2 ** 32 - 1,
  callsMax: Infinity,
  requestBytesMax: Infinity,
  handledCallsMax: Infinity,
  answerBytesMax: Infinity,
  answerTimeoutMs: 600_000,
};

/** Listens for plain-text gRPC calls; throws when the port cannot be bound. */
export async function serveGrpc(options: ServeOptions): Promise<RpcServer> {
  useStrictUtf8();
  const methods = servedMethods(options);
  const { host, port, limits = NO_LIMITS } = options;
  const server = http2.createServer({
    settings: { maxConcurrentStreams: limits.connectionCallsMax, initialWindowSize: WINDOW_SIZE },
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on("connection", (socket: Socket) => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.setLocalWindowSize(WINDOW_SIZE);
    serveSession(session, methods);
  });
  server.on("sessionError", () => {}); // whoever does not speak HTTP/2 is cut off
  const boundPort = await listen(server, { host, port });
  return { port: boundPort, close: () => closeServer(server, sessions) };
}

type Methods = ReadonlyMap<string, ServedMethod>;

function servedMethods(options: ServeOptions): Methods {
  const { services, log, onFinished, limits = NO_LIMITS, apart = [] } = options;
  const common = new Admission(limits);
  const ownAdmissions = new Map(apart.flatMap(({ paths, limits = NO_LIMITS }) => {
    const admission = new Admission(limits);
    return paths.map((path) => [path, admission] as const);
  }));
  const served = services.flat().map((method) => {
    const admission = ownAdmissions.get(method.path) ?? common;
    return [method.path, servedMethod(method, { log, admission, onFinished })] as const;
  });
  const health = healthService(options).map((method) => {
    const context = { log, admission: new Admission(NO_LIMITS), onFinished: undefined };
    return [method.path, servedMethod(method, context)] as const;
  });
  return new Map([...served, ...health]);
}

/** The whole server has one health; asked by name it knows the services that it serves. */
function healthService({ services, isReady = () => true }: ServeOptions): GrpcService {
  const names = new Set(services.flat().map(({ path }) => serviceOf(path)));
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

/** What the methods of a service have in common. */
interface ServingContext {
  readonly log: Logger;
  readonly admission: Admission;
  readonly onFinished: CallObserver | undefined;
}

const FULL: Answer = {
  status: { code: RpcCode.ResourceExhausted, details: "too many calls at a time" },
};

function servedMethod(
  { path, refusal, answer }: GrpcMethod,
  { log, admission, onFinished }: ServingContext,
): ServedMethod {
  const name = methodOf(path);
  const handle: ServedMethod["handle"] = async (request, _headers, caller) => {
    try {
      return { message: await answer(request, caller) };
    } catch (cause) {
      if (cause instanceof RpcError) {
        return { status: { code: cause.code, details: cause.message } };
      }
      log.error(`${name} failed`, { cause });
      const details = `${name} failed: see the log of the service`;
      return { status: { code: RpcCode.Internal, details } };
    }
  };
  return {
    admission,
    refusal: refusal === null ? FULL : { message: refusal },
    handle: onFinished === undefined ? handle : observed(name, handle, onFinished),
  };
}

/** The handler, followed by the observer. */
function observed(
  method: string,
  handle: ServedMethod["handle"],
  onFinished: CallObserver,
): ServedMethod["handle"] {
  return async (request, headers, caller) => {
    const startMs = SYSTEM_CLOCK.monotonicMs();
    const answer = await handle(request, headers, caller);
    const name = headers[CLIENT_NAME_KEY];
    onFinished({
      method,
      code: "status" in answer ? answer.status.code : RpcCode.Ok,
      durationMs: SYSTEM_CLOCK.monotonicMs() - startMs,
      clientName: typeof name === "string" ? name : null,
    });
    return answer;
  };
}

const UNKNOWN_METHOD = statusHeaders({
  code: RpcCode.Unimplemented,
  details: "the service has no such method",
});

function serveSession(session: ServerHttp2Session, methods: Methods): void {
  const batch = new WriteBatch(session.socket);
  session.on("error", () => {}); // the connection is gone, its calls end with it
  session.on("stream", (stream, headers) => {
    stream.on("error", () => {}); // says no more than the end of the call
    const method = methods.get(headers[":path"] ?? "");
    const refusal = refusalOfRequest(headers);
    if (refusal !== null) refuse(stream, refusal);
    else if (method === undefined) refuse(stream, { ...ANSWER_HEADERS, ...UNKNOWN_METHOD });
    else new ServedCall({ stream, headers, batch, method });
  });
}

/** The headers that answer what is no gRPC call; null for one that is. */
function refusalOfRequest(headers: IncomingHttpHeaders): OutgoingHttpHeaders | null {
  if (headers[":method"] !== "POST") return { ":status": 405 };
  const type = headers["content-type"] ?? "";
  return type.startsWith("application/grpc") ? null : { ":status": 415 };
}

function refuse(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (!stream.closed) stream.respond(headers, { endStream: true });
  stream.resume(); // what it sends is thrown away
}

function listen(
  server: Http2Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on("error", (error: Error) => {
      const text = `Cannot listen on ${host}:${port}: it must be free, got "${error.message}"`;
      reject(new Error(text, { cause: error }));
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function closeServer(
  server: Http2Server,
  sessions: ReadonlySet<ServerHttp2Session>,
): Promise<void> {
  return new Promise((resolve) => {
    const forced = SYSTEM_CLOCK.setTimer(CLOSE_GRACE_MS, () => {
      for (const session of sessions) session.destroy();
    });
    server.close(() => {
      forced.cancel();
      resolve();
    });
    for (const session of sessions) session.close();
  });
}
