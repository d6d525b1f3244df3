import type { Block } from "../../proto/gen/blockchain.ts";
import type { CallRequest, ExecutorServiceService } from "../../proto/gen/executor.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { type Caller, type Handlers, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import type { StatusCode } from "../../shared/status/mod.ts";
import { FieldError } from "./fields.ts";

/** What became of a block. */
export interface ExecAnswer {
  readonly code: StatusCode;
  /** The result hash of the block, null when it was not executed. */
  readonly hash: Bytes | null;
}

/** What a call answers: bytes, or the text of an error. */
export type CallAnswer =
  | { readonly kind: "value"; readonly value: Bytes }
  | { readonly kind: "error"; readonly message: string };

/**
 * What every flavour does. Both methods throw a {@linkcode FieldError} for an unusable request, and a
 * {@linkcode RefusedError} for one that is not answered.
 */
export interface Executor {
  /** Executes the next block; an answer without error means that it is on disk. */
  exec(block: Block): Promise<ExecAnswer>;
  /** Calls a contract without lasting effects. */
  call(request: CallRequest, caller?: Caller): Promise<CallAnswer>;
}

/** gRPC face of `executor.ExecutorService` (spec/protocol.md, section 7). */
export function executorHandlers(executor: Executor): Handlers<typeof ExecutorServiceService> {
  return {
    async exec(block) {
      const { code, hash } = await answerRefusals(() => executor.exec(block));
      return { status: { code }, hash: hash === null ? undefined : { hash } };
    },

    async call(request, caller) {
      const answer = await answerRefusals(() => executor.call(request, caller));
      if (answer.kind === "error") throw new RpcError(RpcCode.InvalidArgument, answer.message);
      return { value: answer.value };
    },
  };
}

/** Why requests are refused that could be answered at another time, and the status for it. */
const REFUSALS = {
  /** More requests wait than a service takes. */
  busy: RpcCode.ResourceExhausted,
  /** It took longer than a request may. */
  time: RpcCode.DeadlineExceeded,
  /** Nobody waits for the answer. */
  gone: RpcCode.Cancelled,
  /** What it read was removed again and again before it had its answer. */
  outrun: RpcCode.Unavailable,
  /** The service stops. */
  stopping: RpcCode.Unavailable,
} as const;

/** A request that is not answered, whatever it asks for. */
export class RefusedError extends Error {
  override name = "RefusedError";

  constructor(readonly reason: keyof typeof REFUSALS, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Turns what a request is refused for into a gRPC status; faults pass. */
export async function answerRefusals<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FieldError) {
      throw new RpcError(RpcCode.InvalidArgument, cause.message, { cause });
    }
    if (cause instanceof RefusedError) {
      throw new RpcError(REFUSALS[cause.reason], cause.message, { cause });
    }
    throw cause;
  }
}
