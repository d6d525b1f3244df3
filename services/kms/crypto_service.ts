import { CryptoServiceService } from "../../proto/gen/crypto.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import { type Handlers, rawRequest } from "../../shared/rpc/mod.ts";
import { toCryptoStatus } from "../../shared/status/mod.ts";
import type { CheckTransactions } from "./check_call.ts";
import { publicCalls } from "./public_calls.ts";
import { type Signed, signResponse } from "./signing.ts";

/** `crypto.CryptoService`; batches of transactions are taken as they come. */
export const CRYPTO_SERVICE = rawRequest(CryptoServiceService, "checkTransactions");

/** What the handlers work with. */
export interface CryptoDeps {
  readonly suite: CryptoSuite;
  /** Signs with the one key of the node. */
  readonly sign: (message: Bytes) => Signed;
  readonly checkTransactions: CheckTransactions;
}

/** gRPC face of `crypto.CryptoService` (spec/storage_kms.md, B9), the kms of 6.5 and later. */
export function cryptoHandlers(deps: CryptoDeps): Handlers<typeof CRYPTO_SERVICE> {
  const { suite, sign, checkTransactions } = deps;
  return {
    ...publicCalls(suite),
    signMessage: ({ msg }) => Promise.resolve(signResponse(suite, sign(msg), toCryptoStatus)),
    checkTransactions,
  };
}
