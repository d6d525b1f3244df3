import { type Bytes, bytesToUint, concatBytes, uintToBytes } from "../../bytes/mod.ts";
import type { HashFunction } from "../suite.ts";
import { SM2_CURVE } from "./curve.ts";

/** The number that a signature of a message by a public key binds: e = SM3(ZA ‖ message). */
export type Sm2Digest = (publicKey: Bytes, message: Bytes) => bigint;

const USER_ID = new TextEncoder().encode("1234567812345678");

/** ENTL ‖ id ‖ a ‖ b ‖ xG ‖ yG: what is hashed before the public key to make ZA. */
const PREFIX = concatBytes(
  uintToBytes(BigInt(8 * USER_ID.length), 2),
  USER_ID,
  ...[SM2_CURVE.a, SM2_CURVE.b, SM2_CURVE.Gx, SM2_CURVE.Gy].map((value) => uintToBytes(value, 32)),
);

/** The hash ZA of the signer's identity (spec/storage_kms.md, B3). */
export function hashIdentity(sm3: HashFunction, publicKey: Bytes): Bytes {
  return sm3(concatBytes(PREFIX, publicKey));
}

/** The digest function on a hash function that is SM3. */
export function createDigest(sm3: HashFunction): Sm2Digest {
  return (publicKey, message) =>
    bytesToUint(sm3(concatBytes(hashIdentity(sm3, publicKey), message)));
}
