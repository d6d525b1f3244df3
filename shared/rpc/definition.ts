import type { Buffer } from "node:buffer";

/** One unary method as `proto/gen` describes it. */
export interface MethodDefinition<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly requestDeserialize: (value: Buffer) => Request;
  readonly responseSerialize: (value: Response) => Buffer;
  readonly responseDeserialize: (value: Buffer) => Response;
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
