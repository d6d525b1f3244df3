import type { CryptoServiceService } from "../../proto/gen/crypto.ts";
import type { KmsServiceService } from "../../proto/gen/kms.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import type { Handlers } from "../../shared/rpc/mod.ts";
import { toCryptoStatus } from "../../shared/status/mod.ts";
import { publicCalls } from "./public_calls.ts";
import { type Signed, signResponse } from "./signing.ts";

/** What the handlers work with. */
export interface CryptoDeps {
  readonly suite: CryptoSuite;
  /** Signs with the one key of the node. */
  readonly sign: (message: Bytes) => Signed;
  /** The same call of `kms.KmsService`. */
  readonly checkTransactions: Handlers<typeof KmsServiceService>["checkTransactions"];
}

/** gRPC face of `crypto.CryptoService` (spec/storage_kms.md, B9), the kms of 6.5 and later. */
export function cryptoHandlers(deps: CryptoDeps): Handlers<typeof CryptoServiceService> {
  const { suite, sign, checkTransactions } = deps;
  return {
    ...publicCalls(suite),
    signMessage: ({ msg }) => Promise.resolve(signResponse(suite, sign(msg), toCryptoStatus)),
    checkTransactions,
  };
}
