import type { StatusCode as Status } from "../../proto/gen/common.ts";
import { KmsServiceService } from "../../proto/gen/kms.ts";
import { type Bytes, to0xHex } from "../../shared/bytes/mod.ts";
import { DecodeError } from "../../shared/codec/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import type { KmsDb } from "../../shared/kms_db/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { type Handlers, rawRequest, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import { CheckerBusy, CheckerStopped, type TransactionChecker } from "./checker/checker.ts";
import { publicCalls, SUCCESS } from "./public_calls.ts";
import { signResponse, signWithAccount } from "./signing.ts";

/** `kms.KmsService`; batches of transactions are taken as they come, to be decoded elsewhere. */
export const KMS_SERVICE = rawRequest(KmsServiceService, "checkTransactions");

/** `CheckTransactions` of `kms.KmsService` and of `crypto.CryptoService`. */
export type CheckTransactions = (request: Bytes) => Promise<Status>;

/** What the handlers work with. */
export interface KmsDeps {
  readonly suite: CryptoSuite;
  readonly db: KmsDb;
  readonly checkTransactions: CheckTransactions;
  readonly log: Logger;
}

/** gRPC face of `kms.KmsService` (spec/storage_kms.md, B4): maps outcomes to codes. */
export function kmsHandlers(deps: KmsDeps): Handlers<typeof KMS_SERVICE> {
  const { suite, db, checkTransactions, log } = deps;
  return {
    ...publicCalls(suite),

    generateKeyPair({ Description }) {
      const secretKey = suite.generateSecretKey();
      try {
        const { keyId, address } = db.insertAccount(secretKey, Description);
        return Promise.resolve({ keyId, address });
      } catch (cause) {
        log.warn("generate_key_pair failed", { cause });
        const name = statusName(StatusCode.InsertAccountError);
        throw new RpcError(RpcCode.InvalidArgument, name, { cause });
      } finally {
        secretKey.fill(0);
      }
    },

    signMessage: ({ keyId, msg }) =>
      Promise.resolve(signResponse(suite, signWithAccount(deps, keyId, msg))),

    checkTransactions,
  };
}

/** Answers batches (spec/storage_kms.md, B5); the codes are the same in both services. */
export function checkTransactionsHandler(
  { checker, log }: { readonly checker: TransactionChecker; readonly log: Logger },
): CheckTransactions {
  return async (request) => {
    try {
      const refusal = await checker.check(request);
      if (refusal === null) return SUCCESS;
      const { code, transactionHash } = refusal;
      log.warn(`check_raw_tx tx(${to0xHex(transactionHash)}) failed: ${statusName(code)}`);
      return { code };
    } catch (cause) {
      if (cause instanceof DecodeError) {
        // what the transport answers when it decodes a request itself
        throw new RpcError(RpcCode.Internal, "Error deserializing request", { cause });
      }
      if (cause instanceof CheckerBusy) {
        throw new RpcError(RpcCode.ResourceExhausted, cause.message, { cause });
      }
      if (!(cause instanceof CheckerStopped)) throw cause;
      throw new RpcError(RpcCode.Unavailable, cause.message, { cause });
    }
  };
}
