import { StatusCode } from "./status_code.ts";

/**
 * The codes of `crypto.CryptoService` whose numbers mean something else in 6.3
 * (spec/storage_kms.md, B9); its other codes are those of {@linkcode StatusCode}.
 */
export const CryptoStatusCode = {
  CryptoServerNotReady: 300,
  NoneHashResult: 301,
  ConstructSigError: 302,
  ConstructKeyPairError: 303,
  SignError: 304,
} as const;

/** There are no accounts in 6.5: a key that cannot be had is a key pair that cannot be made. */
const CRYPTO_BY_STATUS: ReadonlyMap<StatusCode, number> = new Map([
  [StatusCode.KmsServerNotReady, CryptoStatusCode.CryptoServerNotReady],
  [StatusCode.NoneHashResult, CryptoStatusCode.NoneHashResult],
  [StatusCode.NotFoundAccount, CryptoStatusCode.ConstructKeyPairError],
  [StatusCode.ConstructSigError, CryptoStatusCode.ConstructSigError],
  [StatusCode.ConstructKeyPairError, CryptoStatusCode.ConstructKeyPairError],
  [StatusCode.SignError, CryptoStatusCode.SignError],
  [StatusCode.InsertAccountError, CryptoStatusCode.ConstructKeyPairError],
]);

/** The number with which `crypto.CryptoService` says what a code of 6.3 says. */
export function toCryptoStatus(code: StatusCode): number {
  return CRYPTO_BY_STATUS.get(code) ?? code;
}
