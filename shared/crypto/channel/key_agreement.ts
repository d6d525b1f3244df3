import { p256, p384 } from "@noble/curves/nist.js";
import { Buffer } from "node:buffer";
import { createECDH, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { type Bytes, concatBytes, fromHex, isZero } from "../../bytes/mod.ts";

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

/** Makes a key of {@linkcode AGREEMENT_SEED_SIZE} random bytes; the work is native code. */
export function createAgreementKey(name: AgreementName, seed: Bytes): AgreementKey {
  return name === "X25519" ? createX25519Key(seed) : createPointKey(CURVES[name], seed);
}

/** noble makes secret keys and checks points, at some of which the native code would die. */
const CURVES = {
  // half as many random bits again as a key has, so that the remainder is as good as random
  "P-256": { points: p256, name: "prime256v1", seedSize: 48 },
  "P-384": { points: p384, name: "secp384r1", seedSize: 72 },
} as const;

function createPointKey(
  { points, name, seedSize }: typeof CURVES["P-256" | "P-384"],
  seed: Bytes,
): AgreementKey {
  const ecdh = createECDH(name);
  ecdh.setPrivateKey(points.utils.randomSecretKey(seed.slice(0, seedSize)));
  const publicKey = new Uint8Array(ecdh.getPublicKey());
  return {
    publicKey,
    agree(peer) {
      // a compressed point is one too, but not of an honest peer
      if (peer.length !== publicKey.length) return null;
      return points.utils.isValidPublicKey(peer) ? new Uint8Array(ecdh.computeSecret(peer)) : null;
    },
  };
}

const X25519_KEY_SIZE = 32;

/** What DER puts in front of the 32 bytes of a secret (PKCS#8) and of a public key (SPKI). */
const SECRET_PREFIX = fromHex("302e020100300506032b656e04220420");
const PUBLIC_PREFIX = fromHex("302a300506032b656e032100");

function createX25519Key(seed: Bytes): AgreementKey {
  const secretDer = Buffer.from(concatBytes(SECRET_PREFIX, seed.subarray(0, X25519_KEY_SIZE)));
  const privateKey = createPrivateKey({ key: secretDer, format: "der", type: "pkcs8" });
  const publicDer = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(publicDer.subarray(PUBLIC_PREFIX.length)),
    agree(peer) {
      if (peer.length !== X25519_KEY_SIZE) return null;
      const der = Buffer.from(concatBytes(PUBLIC_PREFIX, peer));
      const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
      const secret = new Uint8Array(diffieHellman({ privateKey, publicKey }));
      return isZero(secret) ? null : secret; // zero for the points of low order
    },
  };
}
