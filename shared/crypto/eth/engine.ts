import { secp256k1 } from "@noble/curves/secp256k1.js";
import { type Bytes, bytesToUint, concatBytes } from "../../bytes/mod.ts";

/** What the suite needs of an implementation of secp256k1; arguments have the right lengths. */
export interface Secp256k1Engine {
  readonly name: string;
  isSecretKey(secretKey: Bytes): boolean;
  /** X‖Y of the public key of a usable secret key. */
  publicKeyOf(secretKey: Bytes): Bytes;
  /** r‖s‖recovery id over 32 bytes: RFC 6979 with HMAC-SHA256, low s. */
  sign(secretKey: Bytes, digest: Bytes): Bytes;
  /** X‖Y of the signer; null when there is none. High s is accepted. */
  recover(digest: Bytes, signature: Bytes): Bytes | null;
}

/** The part of the package `secp256k1` that is used; it brings no types of its own. */
interface NativeAddon {
  privateKeyVerify(secretKey: Bytes): boolean;
  publicKeyCreate(secretKey: Bytes, compressed: boolean): Bytes;
  ecdsaSign(digest: Bytes, secretKey: Bytes): { signature: Bytes; recid: number };
  ecdsaRecover(rs: Bytes, recoveryId: number, digest: Bytes, compressed: boolean): Bytes;
}

/** libsecp256k1 as a native addon: ten times as fast as {@linkcode NOBLE_ENGINE}. */
export async function loadNativeEngine(): Promise<Secp256k1Engine> {
  // the package's main file would silently fall back to a slow implementation of its own
  const { default: addon }: { default: NativeAddon } = await import("secp256k1/bindings.js");
  return {
    name: "libsecp256k1",
    isSecretKey: (secretKey) => addon.privateKeyVerify(secretKey),
    publicKeyOf: (secretKey) => addon.publicKeyCreate(secretKey, false).subarray(1),
    sign(secretKey, digest) {
      const { signature, recid } = addon.ecdsaSign(digest, secretKey);
      return concatBytes(signature, Uint8Array.of(recid));
    },
    recover(digest, signature) {
      const recoveryId = signature[64] ?? 0;
      try {
        return addon.ecdsaRecover(signature.subarray(0, 64), recoveryId, digest, false).subarray(1);
      } catch {
        return null; // the addon throws only for signatures without a signer
      }
    },
  };
}

/** secp256k1 on noble: where the addon cannot be loaded, and to test it against. */
export const NOBLE_ENGINE: Secp256k1Engine = {
  name: "noble",
  isSecretKey: (secretKey) => secp256k1.utils.isValidSecretKey(secretKey),
  publicKeyOf: (secretKey) => secp256k1.getPublicKey(secretKey, false).subarray(1),
  sign(secretKey, digest) {
    const recovered = secp256k1.sign(digest, secretKey, { prehash: false, format: "recovered" });
    // noble puts the recovery id first
    return concatBytes(recovered.subarray(1), recovered.subarray(0, 1));
  },
  recover(digest, signature) {
    const r = bytesToUint(signature.subarray(0, 32));
    const s = bytesToUint(signature.subarray(32, 64));
    try {
      const parsed = new secp256k1.Signature(r, s, signature[64]);
      return parsed.recoverPublicKey(digest).toBytes(false).subarray(1);
    } catch {
      return null; // noble throws only for signatures without a signer
    }
  },
};
