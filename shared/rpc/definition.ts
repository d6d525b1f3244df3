import type { Buffer } from "node:buffer";

/** One unary method as `proto/gen` describes it. */
export interface MethodDefinition<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly requestDeserialize: (value: Uint8Array) => Request;
  readonly responseSerialize: (value: Response) => Buffer;
  readonly responseDeserialize: (value: Uint8Array) => Response;
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

/**
 * The bytes of a buffer as a plain array over the same memory: messages decoded from it hold plain
 * arrays too, whose `slice()` copies and which compare equal to other arrays.
 */
export function plainBytes({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
