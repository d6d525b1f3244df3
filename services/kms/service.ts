import type { KmsServiceService } from "../../proto/gen/kms.ts";
import { rawTransactionHash } from "../../shared/block/mod.ts";
import { EMPTY_BYTES, to0xHex } from "../../shared/bytes/mod.ts";
import type { Clock } from "../../shared/clock/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import type { KmsDb } from "../../shared/kms_db/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { type Handlers, RpcCode, RpcError } from "../../shared/rpc/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import { checkTransactions } from "./check_transactions.ts";
import { createPause } from "./pause.ts";
import { publicCalls, SUCCESS } from "./public_calls.ts";
import { signResponse, signWithAccount } from "./signing.ts";

/** What the handlers work with. */
export interface KmsDeps {
  readonly suite: CryptoSuite;
  readonly db: KmsDb;
  readonly clock: Clock;
  readonly log: Logger;
}

/** gRPC face of `kms.KmsService` (spec/storage_kms.md, B4): maps outcomes to codes. */
export function kmsHandlers(deps: KmsDeps): Handlers<typeof KmsServiceService> {
  const { suite, db, log } = deps;
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

    checkTransactions: checkTransactionsHandler(deps),
  };
}

/** What checking batches works with. */
export type CheckDeps = Pick<KmsDeps, "suite" | "clock" | "log">;

/** `CheckTransactions` of both services (spec/storage_kms.md, B5): their codes are the same. */
export function checkTransactionsHandler(
  { suite, clock, log }: CheckDeps,
): Handlers<typeof KmsServiceService>["checkTransactions"] {
  return async ({ body }) => {
    const refusal = await checkTransactions(suite, body, createPause(clock));
    if (refusal === null) return SUCCESS;
    const raw = body[refusal.index];
    const hash = (raw === undefined ? null : rawTransactionHash(raw)) ?? EMPTY_BYTES;
    log.warn(`check_raw_tx tx(${to0xHex(hash)}) failed: ${statusName(refusal.code)}`);
    return { code: refusal.code };
  };
}
