import type { OutgoingHttpHeaders } from "node:http2";
import type { Bytes } from "../bytes/mod.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import { Channel } from "./channel.ts";
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from "./definition.ts";
import { frameMessage } from "./message_frame.ts";
import { type CallObserver, CLIENT_NAME_KEY, methodOf } from "./observer.ts";
import { RpcCode, RpcFault } from "./status.ts";
import { CallFailure } from "./unary_call.ts";

/** Options of one call. */
export interface CallOptions {
  /** Replaces the client's deadline for this call. */
  readonly deadlineMs?: number;
}

/** One function per method; each throws {@linkcode RpcFault} when there is no answer. */
export type RpcClient<Definition> =
  & {
    readonly [Method in keyof Definition]: (
      request: RequestOf<Definition[Method]>,
      options?: CallOptions,
    ) => Promise<ResponseOf<Definition[Method]>>;
  }
  & {
    /** Ends the connection; running calls fail. */
    close(): void;
    /**
     * Calls the listener each time an established connection is lost: the service went away, or
     * was restarted between two calls that both succeed.
     */
    onDisconnect(listener: () => void): void;
  };

/** A client that knows no service: it carries encoded messages as they are. */
export interface RawClient {
  /**
   * Calls `/package.Service/Method` and gives the bytes of the answer; throws
   * {@linkcode RpcFault} when the answer is a gRPC status.
   */
  call(path: string, request: Bytes, options?: CallOptions): Promise<Bytes>;
  /** Ends the connection; running calls fail. */
  close(): void;
}

/** Where a service is. */
export interface ConnectOptions {
  /** 127.0.0.1 by default: the services of a node share a host. */
  readonly host?: string;
  readonly port: number;
  /** How long a call may take; 10 s by default. */
  readonly deadlineMs?: number;
  /** What the server is told in the metadata `client-name`; nothing by default. */
  readonly clientName?: string;
  /** Learns of every call that came to an end. */
  readonly onFinished?: CallObserver;
}

const DEADLINE_MS = 10_000;

/**
 * A client of one service. It connects on the first call and reconnects by itself; while the
 * service is away calls fail at once with {@linkcode RpcCode.Unavailable}.
 */
export function connect<Definition extends ServiceDefinition<Definition>>(
  definition: Definition,
  options: ConnectOptions,
): RpcClient<Definition> {
  const channel = openChannel(options);
  const calls: Record<string, unknown> = {
    close: () => channel.close(),
    onDisconnect: (listener: () => void) => channel.onDisconnect(listener),
  };
  for (const name of Object.keys(definition)) {
    const method = definition[name as keyof Definition] as MethodDefinition<unknown, unknown>;
    const call = createCall(channel, method.path, options);
    const send: Send = async (request, callOptions) => {
      const answer = await call(method.requestSerialize(request), callOptions);
      return decodeAnswer(method, answer);
    };
    calls[name] = observed(send, method.path, options);
  }
  return calls as RpcClient<Definition>;
}

/** As {@linkcode connect}, for messages that are recorded, relayed or malformed on purpose. */
export function connectRaw(options: ConnectOptions): RawClient {
  const channel = openChannel(options);
  return {
    call: (path, request, callOptions) => createCall(channel, path, options)(request, callOptions),
    close: () => channel.close(),
  };
}

function openChannel({ host = "127.0.0.1", port }: ConnectOptions): Channel {
  return new Channel({ host, port });
}

/** What the program calls itself towards servers, in the form that gRPC wants. */
const USER_AGENT = "grpc-cita-cloud-ts";

/** Calls the method at a path with an encoded request; throws {@linkcode RpcFault}. */
function createCall(
  channel: Channel,
  path: string,
  { clientName, deadlineMs: deadlineOfClientMs = DEADLINE_MS }: ConnectOptions,
): (request: Bytes, options?: CallOptions) => Promise<Bytes> {
  const common: OutgoingHttpHeaders = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    "te": "trailers",
    "user-agent": USER_AGENT,
    ...clientName !== undefined && { [CLIENT_NAME_KEY]: clientName },
  };
  return async (request, { deadlineMs = deadlineOfClientMs } = {}) => {
    const headers = { ...common, "grpc-timeout": `${Math.ceil(deadlineMs)}m` };
    try {
      return await channel.call({ headers, frame: frameMessage(request), deadlineMs });
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      const { code, details } = error.status;
      throw new RpcFault(code, details, { method: path });
    }
  };
}

function decodeAnswer(method: MethodDefinition<unknown, unknown>, answer: Bytes): unknown {
  try {
    return method.responseDeserialize(answer);
  } catch (cause) {
    const details = "the answer cannot be decoded";
    throw new RpcFault(RpcCode.Internal, details, { cause, method: method.path });
  }
}

type Send = (request: unknown, options?: CallOptions) => Promise<unknown>;

/** The method, followed by the observer if there is one. */
function observed(send: Send, path: string, { clientName, onFinished }: ConnectOptions): Send {
  if (onFinished === undefined) return send;
  const method = methodOf(path);
  return async (request, options) => {
    const startMs = SYSTEM_CLOCK.monotonicMs();
    let code: number = RpcCode.Ok;
    try {
      return await send(request, options);
    } catch (error) {
      code = error instanceof RpcFault ? error.code : RpcCode.Internal;
      throw error;
    } finally {
      const durationMs = SYSTEM_CLOCK.monotonicMs() - startMs;
      onFinished({ method, code, durationMs, clientName: clientName ?? null });
    }
  };
}
