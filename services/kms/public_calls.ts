import { ADDRESS_SIZE, HASH_SIZE } from "../../shared/block/mod.ts";
import { type Bytes, equalBytes } from "../../shared/bytes/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";

/** The status of a call that succeeded. */
export const SUCCESS = { code: StatusCode.Success };

/**
 * The calls that need no key (spec/storage_kms.md, B4). `kms.KmsService` and `crypto.CryptoService`
 * answer them with the same bytes: their codes are not among those that 6.5 numbered anew.
 */
export function publicCalls(suite: CryptoSuite) {
  return {
    getCryptoInfo: () =>
      Promise.resolve({
        status: SUCCESS,
        name: suite.name,
        hashLen: HASH_SIZE,
        signatureLen: suite.signatureSize,
        addressLen: ADDRESS_SIZE,
      }),

    hashData: ({ data }: { readonly data: Bytes }) =>
      Promise.resolve({ status: SUCCESS, hash: { hash: suite.hash(data) } }),

    verifyDataHash: ({ data, hash }: { readonly data: Bytes; readonly hash: Bytes }) =>
      Promise.resolve({ code: checkHash(suite, data, hash) }),

    recoverSignature({ msg, signature }: { readonly msg: Bytes; readonly signature: Bytes }) {
      const recovery = suite.recover(msg, signature);
      return Promise.resolve(
        recovery.kind === "signer"
          ? { status: SUCCESS, address: recovery.address }
          : { status: { code: recovery.code }, address: new Uint8Array(ADDRESS_SIZE) },
      );
    },
  };
}

function checkHash(suite: CryptoSuite, data: Bytes, hash: Bytes): StatusCode {
  if (hash.length !== HASH_SIZE) return StatusCode.HashLenError;
  return equalBytes(suite.hash(data), hash) ? StatusCode.Success : StatusCode.HashCheckError;
}
