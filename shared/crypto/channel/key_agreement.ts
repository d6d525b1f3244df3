import { x25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import type { Bytes } from "../../bytes/mod.ts";

/** Ways to agree on a secret, by the names that secio gives them. */
export type AgreementName = "P-256" | "P-384" | "X25519";

/** Random bytes that a key is made of. */
export const AGREEMENT_SEED_SIZE = 72;

/** A key for one agreement. */
export interface AgreementKey {
  /** An uncompressed point (65 or 97 bytes), or 32 bytes for X25519. */
  readonly publicKey: Bytes;
  /** The shared secret (32 or 48 bytes); null when the other side's key is none. */
  agree(publicKeyOfPeer: Bytes): Bytes | null;
}

/** Makes a key of {@linkcode AGREEMENT_SEED_SIZE} random bytes. */
export function createAgreementKey(name: AgreementName, seed: Bytes): AgreementKey {
  if (name === "X25519") {
    const secretKey = seed.slice(0, 32);
    return {
      publicKey: x25519.getPublicKey(secretKey),
      agree: (peer) => attempt(() => x25519.getSharedSecret(secretKey, peer)),
    };
  }
  const curve = name === "P-256" ? p256 : p384;
  // half as many bits again as the key has, so that the remainder is as good as random
  const secretKey = curve.utils.randomSecretKey(seed.slice(0, name === "P-256" ? 48 : 72));
  const publicKey = curve.getPublicKey(secretKey, false);
  return {
    publicKey,
    agree(peer) {
      if (peer.length !== publicKey.length) return null;
      // the secret is the x coordinate, behind the byte that tells the sign of y
      return attempt(() => curve.getSharedSecret(secretKey, peer).subarray(1));
    },
  };
}

function attempt(agree: () => Bytes): Bytes | null {
  try {
    return agree();
  } catch {
    return null; // noble throws for points that are not on the curve, or of low order
  }
}
