/** gRPC status codes that this project names. */
export const RpcCode = {
  Ok: 0,
  Cancelled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
} as const;

/** One of the gRPC status codes. */
export type RpcCode = (typeof RpcCode)[keyof typeof RpcCode];

/** Thrown by a handler to answer with a gRPC status instead of a message. */
export class RpcError extends Error {
  override name = "RpcError";

  constructor(readonly code: RpcCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A call that did not bring an answer: the service is away, too slow, or answered a status. */
export class RpcFault extends Error {
  override name = "RpcFault";

  constructor(
    /** The gRPC status code; {@linkcode RpcCode} names the usual ones. */
    readonly code: number,
    /** The text that the service sent, or the transport's reason. */
    readonly details: string,
    options: ErrorOptions & { readonly method: string },
  ) {
    super(`${options.method} failed: ${details} (gRPC status ${code})`, options);
  }

  /** Whether the service could not be reached or did not answer in time. */
  get isTransport(): boolean {
    return this.code === RpcCode.Unavailable || this.code === RpcCode.DeadlineExceeded ||
      this.code === RpcCode.Cancelled;
  }
}
