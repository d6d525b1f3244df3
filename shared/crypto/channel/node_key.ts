import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as sha256Of, sha512 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../../bytes/mod.ts";

/** Hashes, by the names that secio gives them. */
export type DigestName = "SHA256" | "SHA512";

/** The key that names a node to its neighbours. */
export interface NodeKey {
  /** 33 bytes, compressed. */
  readonly publicKey: Bytes;
  /** Signs a hash of 32 bytes; DER, low s. */
  sign(digest: Bytes): Bytes;
}

const SIGN_OPTIONS = { prehash: false, format: "der" } as const;

/** The key of a secret of 32 bytes on secp256k1; null when it is none. */
export function createNodeKey(secretKey: Bytes): NodeKey | null {
  if (!secp256k1.utils.isValidSecretKey(secretKey)) return null;
  return {
    publicKey: secp256k1.getPublicKey(secretKey, true),
    sign: (digest) => secp256k1.sign(digest, secretKey, SIGN_OPTIONS),
  };
}

/** Whether a signature of {@linkcode NodeKey} is one of this key over this hash. */
export function isSignedByNode(publicKey: Bytes, digest: Bytes, signature: Bytes): boolean {
  try {
    return secp256k1.verify(signature, digest, publicKey, SIGN_OPTIONS);
  } catch {
    return false; // noble throws for keys and signatures that are none
  }
}

/** SHA-256. */
export function sha256(bytes: Bytes): Bytes {
  return sha256Of(bytes);
}

/** HMAC with SHA-256 or SHA-512. */
export function hmacOf(digest: DigestName, key: Bytes, bytes: Bytes): Bytes {
  return hmac(digest === "SHA256" ? sha256Of : sha512, key, bytes);
}

/** Unpredictable bytes. */
export function randomBytes(size: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(size));
}
