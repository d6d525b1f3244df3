import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { Bytes } from "../../bytes/mod.ts";
import { chooseImplementation } from "../fallback.ts";
import { sha256 } from "./digest.ts";

/** The key that names a node to its neighbours, on secp256k1. */
export interface NodeKey {
  /** 33 bytes, compressed. */
  readonly publicKey: Bytes;
  /** A line to log as an error when a slow implementation had to take the place of the fast one. */
  readonly fallbackReason: string | null;
  /** Signs a hash of 32 bytes; DER, low s. */
  sign(digest: Bytes): Bytes;
  /** Whether a neighbour's key has signed a hash; false for keys and signatures that are none. */
  verify(signed: SignedDigest): boolean;
}

/** A hash of 32 bytes and who is said to have signed it. */
export interface SignedDigest {
  readonly publicKey: Bytes;
  readonly digest: Bytes;
  /** DER; a high s is refused. */
  readonly signature: Bytes;
}

/** Signatures in DER; arguments of `sign` are right, those of `verify` may be anything. */
export interface SignatureEngine {
  sign(digest: Bytes, secretKey: Bytes): Bytes;
  verify(signed: SignedDigest): boolean;
}

/** The part of the package `secp256k1` that is used; it brings no types of its own. */
interface NativeAddon {
  ecdsaSign(digest: Bytes, secretKey: Bytes): { readonly signature: Bytes };
  ecdsaVerify(signature: Bytes, digest: Bytes, publicKey: Bytes): boolean;
  signatureExport(signature: Bytes): Bytes;
  signatureImport(der: Bytes): Bytes;
}

const NOBLE_OPTIONS = { prehash: false, format: "der" } as const;

/** Signatures by noble: where the addon cannot be loaded, and to test it against. */
export const NOBLE_SIGNATURES: SignatureEngine = {
  sign: (digest, secretKey) => secp256k1.sign(digest, secretKey, NOBLE_OPTIONS),
  verify({ publicKey, digest, signature }) {
    try {
      return secp256k1.verify(signature, digest, publicKey, NOBLE_OPTIONS);
    } catch {
      return false; // noble throws for keys and signatures that are none
    }
  },
};

/** libsecp256k1 as a native addon: some ten times as fast. */
export async function loadNativeSignatures(): Promise<SignatureEngine> {
  const { default: addon }: { default: NativeAddon } = await import("secp256k1/bindings.js");
  return {
    sign: (digest, secretKey) =>
      addon.signatureExport(addon.ecdsaSign(digest, secretKey).signature),
    verify({ publicKey, digest, signature }) {
      try {
        return addon.ecdsaVerify(addon.signatureImport(signature), digest, publicKey);
      } catch {
        return false; // the addon throws for keys and signatures that are none
      }
    },
  };
}

/** The key of a secret of 32 bytes; null when it is none. `load` is for tests of the fallback. */
export async function loadNodeKey(
  secretKey: Bytes,
  load: () => Promise<SignatureEngine> = loadNativeSignatures,
): Promise<NodeKey | null> {
  if (!secp256k1.utils.isValidSecretKey(secretKey)) return null;
  const { implementation: engine, fallbackReason } = await chooseImplementation({
    name: "the native secp256k1",
    load,
    selfTest,
    fallback: NOBLE_SIGNATURES,
  });
  return {
    publicKey: secp256k1.getPublicKey(secretKey, true),
    fallbackReason,
    sign: (digest) => engine.sign(digest, secretKey),
    verify: (signed) => engine.verify(signed),
  };
}

/** Throws when an engine does not understand noble, or noble not it. */
function selfTest(engine: SignatureEngine): void {
  const secretKey = new Uint8Array(32).fill(1);
  const publicKey = secp256k1.getPublicKey(secretKey, true);
  const digest = sha256(publicKey);
  const wrong = sha256(digest);
  for (const [signer, verifier] of [[engine, NOBLE_SIGNATURES], [NOBLE_SIGNATURES, engine]]) {
    const signature = signer?.sign(digest, secretKey) ?? digest;
    const isRight = verifier?.verify({ publicKey, digest, signature });
    const isWrong = verifier?.verify({ publicKey, digest: wrong, signature });
    if (!isRight || isWrong) throw new Error("its signatures are not those of noble");
  }
}
