import type { CryptoSuite } from "../../../shared/crypto/mod.ts";
import type { CoreCrypto } from "./core/crypto.ts";

/** The chain's algorithms as the core wants them; hashing and recovering need no key. */
export function suiteCrypto(suite: CryptoSuite): CoreCrypto {
  return {
    hash: suite.hash,
    recover(hash, signature) {
      const recovery = suite.recover(hash, signature);
      return recovery.kind === "signer" ? recovery.address : null;
    },
  };
}
