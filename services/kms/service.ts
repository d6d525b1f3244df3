import { KmsServiceService } from "../../proto/gen/kms.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import type { KmsDb } from "../../shared/kms_db/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { type Handlers, rawRequest, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import type { CheckTransactions } from "./check_call.ts";
import { publicCalls } from "./public_calls.ts";
import { signResponse, signWithAccount } from "./signing.ts";

/** `kms.KmsService`; batches of transactions are taken as they come, to be decoded elsewhere. */
export const KMS_SERVICE = rawRequest(KmsServiceService, "checkTransactions");

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
