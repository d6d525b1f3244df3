import type { Block } from "../../proto/gen/blockchain.ts";
import type { CallRequest, ExecutorServiceService } from "../../proto/gen/executor.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { type Handlers, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
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

/** What every flavour does. Both methods throw a {@linkcode FieldError} for an unusable request. */
export interface Executor {
  /** Executes the next block; an answer without error means that it is on disk. */
  exec(block: Block): Promise<ExecAnswer>;
  /** Calls a contract without lasting effects. */
  call(request: CallRequest): Promise<CallAnswer>;
}

/** gRPC face of `executor.ExecutorService` (spec/protocol.md, section 7). */
export function executorHandlers(executor: Executor): Handlers<typeof ExecutorServiceService> {
  return {
    async exec(block) {
      const { code, hash } = await answerRefusals(() => executor.exec(block));
      return { status: { code }, hash: hash === null ? undefined : { hash } };
    },

    async call(request) {
      const answer = await answerRefusals(() => executor.call(request));
      if (answer.kind === "error") throw new RpcError(RpcCode.InvalidArgument, answer.message);
      return { value: answer.value };
    },
  };
}

/** More requests wait than a service takes; answered as exhausted resources. */
export class BusyError extends Error {
  override name = "BusyError";
}

/** Turns what a request is refused for into a gRPC status; faults pass. */
export async function answerRefusals<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FieldError) {
      throw new RpcError(RpcCode.InvalidArgument, cause.message, { cause });
    }
    if (cause instanceof BusyError) {
      throw new RpcError(RpcCode.ResourceExhausted, cause.message, { cause });
    }
    throw cause;
  }
}
