import type { StatusCode as Status } from "../../proto/gen/common.ts";
import { type Bytes, to0xHex } from "../../shared/bytes/mod.ts";
import { DecodeError } from "../../shared/codec/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { RpcCode, RpcError, undecodable } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import { CheckerBusy, CheckerStopped, type TransactionChecker } from "./checker/checker.ts";

/** `CheckTransactions` of `kms.KmsService` and of `crypto.CryptoService`. */
export type CheckTransactions = (request: Bytes) => Promise<Status>;

/** What checking batches works with. */
export interface CheckDeps {
  readonly checker: TransactionChecker;
  readonly log: Logger;
}

/**
 * `CheckTransactions` (spec/storage_kms.md, B5) of a service that leaves its request as it is on the
 * wire (`rawRequest()` of shared/rpc); both have the same codes here.
 */
export function checkTransactionsHandler({ checker, log }: CheckDeps): CheckTransactions {
  return async (request) => {
    const refusal = await checker.check(request).catch((cause) => {
      throw asRpcError(cause);
    });
    if (refusal === null) return { code: StatusCode.Success };
    const { code, transactionHash } = refusal;
    log.warn(`check_raw_tx tx(${to0xHex(transactionHash)}) failed: ${statusName(code)}`);
    return { code };
  };
}

/** What is expected becomes a gRPC status; anything else is a defect and stays what it is. */
function asRpcError(cause: unknown): unknown {
  if (cause instanceof DecodeError) {
    // what the transport answers when it decodes a request itself
    return undecodable(cause);
  }
  if (cause instanceof CheckerBusy) {
    return new RpcError(RpcCode.ResourceExhausted, cause.message, { cause });
  }
  if (cause instanceof CheckerStopped) {
    return new RpcError(RpcCode.Unavailable, cause.message, { cause });
  }
  return cause;
}
