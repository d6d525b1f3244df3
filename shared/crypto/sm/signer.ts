import { type Bytes, bytesToUint, concatBytes, uintToBytes } from "../../bytes/mod.ts";
import { SM2_SCALARS, Sm2Point } from "./curve.ts";
import type { Sm2Digest } from "./digest.ts";

/** Secret keys are 1 .. n-2, so that 1 + d can be inverted. */
const LARGEST_SECRET_KEY = SM2_SCALARS.ORDER - 2n;

/** Whether the bytes are a usable secret key. */
export function isSmSecretKey(secretKey: Bytes): boolean {
  if (secretKey.length !== 32) return false;
  const scalar = bytesToUint(secretKey);
  return scalar >= 1n && scalar <= LARGEST_SECRET_KEY;
}

/** A secret key that is uniform over all usable ones. */
export function generateSmSecretKey(): Bytes {
  for (;;) {
    const secretKey = crypto.getRandomValues(new Uint8Array(32));
    if (isSmSecretKey(secretKey)) return secretKey;
  }
}

/** X‖Y of the public key of a usable secret key. */
export function smPublicKeyOf(secretKey: Bytes): Bytes {
  const { x, y } = Sm2Point.BASE.multiply(bytesToUint(secretKey)).toAffine();
  return concatBytes(uintToBytes(x, 32), uintToBytes(y, 32));
}

/** A secret key with its own public key. */
export interface SmKeyPair {
  readonly secretKey: Bytes;
  readonly publicKey: Bytes;
}

/** r‖s‖public key over a message of any length (GB/T 32918.2, section 6.1), with random k. */
export function signSm(digest: Sm2Digest, keyPair: SmKeyPair, message: Bytes): Bytes {
  const { secretKey, publicKey } = keyPair;
  const d = bytesToUint(secretKey);
  const e = digest(publicKey, message);
  for (;;) {
    const k = bytesToUint(generateSmSecretKey());
    const { x } = Sm2Point.BASE.multiply(k).toAffine();
    const r = SM2_SCALARS.create(e + x);
    if (r === 0n || r + k === SM2_SCALARS.ORDER) continue;
    const s = SM2_SCALARS.mul(invertBlinded(1n + d), SM2_SCALARS.create(k - r * d));
    if (s === 0n) continue;
    return concatBytes(uintToBytes(r, 32), uintToBytes(s, 32), publicKey);
  }
}

/** Inverts a secret: the time of the division depends on a random multiple of it only. */
function invertBlinded(secret: bigint): bigint {
  const blind = bytesToUint(generateSmSecretKey());
  return SM2_SCALARS.mul(SM2_SCALARS.inv(SM2_SCALARS.mul(secret, blind)), blind);
}
