import type { Bytes } from "../bytes/mod.ts";

/** One unary method as `proto/gen` describes it. */
export interface MethodDefinition<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (value: Request) => Bytes;
  readonly requestDeserialize: (value: Bytes) => Request;
  readonly responseSerialize: (value: Response) => Bytes;
  readonly responseDeserialize: (value: Bytes) => Response;
}

/** A service as `proto/gen` describes it, such as `StorageServiceService`. */
export type ServiceDefinition<Self> = {
  readonly [Method in keyof Self]: Self[Method] extends
    MethodDefinition<infer Request, infer Response> ? MethodDefinition<Request, Response>
    : never;
};

/** What a method takes. */
export type RequestOf<Method> = Method extends MethodDefinition<infer Request, infer _> ? Request
  : never;

/** What a method answers. */
export type ResponseOf<Method> = Method extends MethodDefinition<infer _, infer Response> ? Response
  : never;

/** A service of which one method takes its request as it is on the wire. */
export type WithRawRequest<Definition, Name extends keyof Definition> = {
  readonly [Method in keyof Definition]: Method extends Name
    ? MethodDefinition<Bytes, ResponseOf<Definition[Method]>>
    : Definition[Method];
};

/**
 * The service with a method whose request is neither encoded nor decoded: for handlers that must
 * not hold up the thread by decoding a large message, and for callers that have the bytes.
 */
export function rawRequest<Definition extends object, Name extends keyof Definition>(
  definition: Definition,
  name: Name,
): WithRawRequest<Definition, Name> {
  const method = {
    ...definition[name],
    requestSerialize: (request: Bytes) => request,
    requestDeserialize: (request: Bytes) => request,
  };
  return { ...definition, [name]: method } as WithRawRequest<Definition, Name>;
}
