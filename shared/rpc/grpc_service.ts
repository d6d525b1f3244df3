import type { Bytes } from "../bytes/mod.ts";
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from "./definition.ts";
import { RpcCode, RpcError } from "./status.ts";

/** Whoever waits for an answer. */
export interface Caller {
  /** The call was cancelled, or its connection is lost: nobody reads the answer. */
  readonly isGone: boolean;
}

/**
 * One function per method; throws {@linkcode RpcError} to answer with a gRPC status. A server names
 * the caller, code that calls a handler itself waits for the answer.
 */
export type Handlers<Definition> = {
  readonly [Method in keyof Definition]: (
    request: RequestOf<Definition[Method]>,
    caller?: Caller,
  ) => Promise<ResponseOf<Definition[Method]>>;
};

/** A method of a service that is ready to be served. */
export interface GrpcMethod {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The encoded answer when a {@linkcode ServerLimits} is reached; null for a gRPC status. */
  readonly refusal: Bytes | null;
  /** Answers an encoded request; throws {@linkcode RpcError} for a gRPC status. */
  readonly answer: (request: Bytes, caller: Caller) => Promise<Bytes>;
}

/** A service ready to be added to a server. */
export type GrpcService = readonly GrpcMethod[];

/** Answers that methods give when the server can take no further call. */
export type Refusals<Definition> = {
  readonly [Method in keyof Definition]?: ResponseOf<Definition[Method]>;
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
  return (Object.keys(definition) as (keyof Definition)[]).map((name) => {
    const method = definition[name] as AnyMethod;
    const handle = handlers[name] as (request: unknown, caller: Caller) => Promise<unknown>;
    const refusal = refusals[name];
    return {
      path: method.path,
      refusal: refusal === undefined ? null : method.responseSerialize(refusal),
      answer: async (request, caller) => {
        const decoded = decodeRequest(method, request);
        return method.responseSerialize(await handle.call(handlers, decoded, caller));
      },
    };
  });
}

function decodeRequest(method: AnyMethod, request: Bytes): unknown {
  try {
    return method.requestDeserialize(request);
  } catch (cause) {
    throw undecodable(cause);
  }
}

/** How a request is answered that is no message of its type, wherever that is found out. */
export function undecodable(cause: unknown): RpcError {
  return new RpcError(RpcCode.Internal, "the request cannot be decoded", { cause });
}
