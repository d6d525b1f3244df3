import { Buffer } from "node:buffer";
import * as grpc from "@grpc/grpc-js";
import type { Bytes } from "../bytes/mod.ts";
import { SYSTEM_CLOCK } from "../clock/mod.ts";
import {
  type MethodDefinition,
  plainBytes,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from "./definition.ts";
import { type CallObserver, CLIENT_NAME_KEY, methodOf } from "./observer.ts";
import { RpcCode, RpcFault } from "./status.ts";

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

const CHANNEL_OPTIONS: grpc.ChannelOptions = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  // a restarted service is found again soon, for ever
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  // calls to other services of the node never go through a proxy
  "grpc.enable_http_proxy": 0,
  // two clients of one process never share a connection: a slow call of one must not block the other
  "grpc.use_local_subchannel_pool": 1,
};

/**
 * A client of one service. It connects on the first call and reconnects by itself; while the
 * service is away calls fail at once with {@linkcode RpcCode.Unavailable}.
 */
export function connect<Definition extends ServiceDefinition<Definition>>(
  definition: Definition,
  options: ConnectOptions,
): RpcClient<Definition> {
  const { deadlineMs = DEADLINE_MS } = options;
  const client = openClient(options);
  const metadata = metadataOf(options);
  const calls: Record<string, unknown> = {
    close: () => client.close(),
    onDisconnect: (listener: () => void) => watchConnection(client, listener),
  };
  for (const name of Object.keys(definition)) {
    const method = definition[name as keyof Definition] as MethodDefinition<unknown, unknown>;
    const send = (request: unknown, call?: CallOptions) =>
      callUnary({ client, method, metadata, request, deadlineMs: call?.deadlineMs ?? deadlineMs });
    calls[name] = observed(send, method.path, options);
  }
  return calls as RpcClient<Definition>;
}

/** As {@linkcode connect}, for messages that are recorded, relayed or malformed on purpose. */
export function connectRaw(options: ConnectOptions): RawClient {
  const client = openClient(options);
  const metadata = metadataOf(options);
  return {
    call(path, request, { deadlineMs = options.deadlineMs ?? DEADLINE_MS } = {}) {
      const method = { path, requestSerialize: toBuffer, responseDeserialize: asTheyAre };
      return callUnary({ client, method, metadata, request, deadlineMs });
    },
    close: () => client.close(),
  };
}

const toBuffer = (bytes: Bytes): Buffer => Buffer.from(bytes);
const asTheyAre = (bytes: Bytes): Bytes => bytes;

function openClient({ host = "127.0.0.1", port }: ConnectOptions): grpc.Client {
  const credentials = grpc.credentials.createInsecure();
  return new grpc.Client(`${host}:${port}`, credentials, CHANNEL_OPTIONS);
}

/** The library copies it for each call. */
function metadataOf({ clientName }: ConnectOptions): grpc.Metadata {
  const metadata = new grpc.Metadata();
  if (clientName !== undefined) metadata.set(CLIENT_NAME_KEY, clientName);
  return metadata;
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

function watchConnection(client: grpc.Client, listener: () => void): void {
  const channel = client.getChannel();
  let state = channel.getConnectivityState(false);
  const watch = () => {
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
      if (error !== undefined) return; // the channel was closed
      const before = state;
      state = channel.getConnectivityState(false);
      if (state === grpc.connectivityState.SHUTDOWN) return;
      watch();
      if (before === grpc.connectivityState.READY) listener();
    });
  };
  watch();
}

/** What a call needs to know of its method. */
type CalledMethod<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  "path" | "requestSerialize" | "responseDeserialize"
>;

function callUnary<Request, Response>({ client, method, metadata, request, deadlineMs }: {
  readonly client: grpc.Client;
  readonly metadata: grpc.Metadata;
  readonly method: CalledMethod<Request, Response>;
  readonly request: Request;
  readonly deadlineMs: number;
}): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      (bytes: Buffer) => method.responseDeserialize(plainBytes(bytes)),
      request,
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, response) => {
        if (response !== undefined) return resolve(response);
        const { code = RpcCode.Internal, details = "no answer" } = error ?? {};
        reject(new RpcFault(code, details, { method: method.path }));
      },
    );
  });
}
