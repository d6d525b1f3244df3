import type { Bytes } from "../../shared/bytes/mod.ts";
import type { CryptoSuite } from "../../shared/crypto/mod.ts";
import { type KeyPair, type KmsDb, KmsDbError } from "../../shared/kms_db/mod.ts";
import type { Logger } from "../../shared/log/mod.ts";
import { StatusCode, statusName } from "../../shared/status/mod.ts";
import { SUCCESS } from "./public_calls.ts";

/** A signature, or the code of 6.3 that says why there is none. */
export type Signed = Bytes | StatusCode;

/** What signing with stored keys works with. */
export interface AccountSigning {
  readonly suite: CryptoSuite;
  readonly db: KmsDb;
  readonly log: Logger;
}

/** Signs with a stored key, which is in memory meanwhile only. */
export function signWithAccount(signing: AccountSigning, keyId: bigint, message: Bytes): Signed {
  const { suite, db, log } = signing;
  const refuse = (code: StatusCode, fields?: { readonly cause: unknown }): StatusCode => {
    log.warn(`sign_message get account(id: ${keyId}) failed: ${statusName(code)}`, fields);
    return code;
  };
  try {
    const signed = db.useKeyPair(keyId, (keyPair) => signWithKey(suite, keyPair, message));
    return signed ?? refuse(StatusCode.NotFoundAccount);
  } catch (cause) {
    if (!(cause instanceof KmsDbError)) throw cause;
    const isDamaged = cause.problem === "account";
    const code = isDamaged ? StatusCode.ConstructKeyPairError : StatusCode.NotFoundAccount;
    return refuse(code, { cause });
  }
}

/** Signs with a key pair. */
export function signWithKey(suite: CryptoSuite, keyPair: KeyPair, message: Bytes): Signed {
  if (!suite.canSign(message)) return StatusCode.SignError;
  return suite.sign(keyPair.secretKey, message, keyPair.publicKey);
}

/**
 * The answer of `SignMessage`: zero bytes of the usual length when there is no signature.
 *
 * @param toWire the number of a code in the service that answers; that of 6.3 by default
 */
export function signResponse(
  suite: CryptoSuite,
  signed: Signed,
  toWire: (code: StatusCode) => number = (code) => code,
) {
  return typeof signed === "number"
    ? { status: { code: toWire(signed) }, signature: new Uint8Array(suite.signatureSize) }
    : { status: SUCCESS, signature: signed };
}
