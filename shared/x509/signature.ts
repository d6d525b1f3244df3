import { Buffer } from "node:buffer";
import { constants, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { type Bytes, fromHex, toHex } from "../bytes/mod.ts";

/** Something signed as X.509 does it, in certificates and in signing requests. */
export interface Signed {
  /** The DER that the signature is made of. */
  readonly content: Bytes;
  /** Content of the AlgorithmIdentifier. */
  readonly algorithm: Bytes;
  readonly signature: Bytes;
}

type KeyKind = "ec" | "ed25519" | "rsa";

interface Algorithm {
  readonly key: KeyKind;
  /** Null where the algorithm has a hash of its own. */
  readonly hash: string | null;
  /** Bytes of the salt of RSA-PSS. */
  readonly saltSize?: number;
}

/** ECDSA with SHA-256, as content of its AlgorithmIdentifier: the one that this package signs with. */
export const ECDSA_SHA256: Bytes = fromHex("06082a8648ce3d040302");

/** Algorithms of spec/network.md, 4.3, each by the one form in which it may be named. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  [toHex(ECDSA_SHA256), { key: "ec", hash: "sha256" }],
  ["06082a8648ce3d040303", { key: "ec", hash: "sha384" }],
  ["06032b6570", { key: "ed25519", hash: null }],
  ["06092a864886f70d01010b0500", { key: "rsa", hash: "sha256" }],
  ["06092a864886f70d01010c0500", { key: "rsa", hash: "sha384" }],
  ["06092a864886f70d01010d0500", { key: "rsa", hash: "sha512" }],
  [pssForm({ hash: "01", saltSize: "20" }), { key: "rsa", hash: "sha256", saltSize: 32 }],
  [pssForm({ hash: "02", saltSize: "30" }), { key: "rsa", hash: "sha384", saltSize: 48 }],
  [pssForm({ hash: "03", saltSize: "40" }), { key: "rsa", hash: "sha512", saltSize: 64 }],
]);

const CURVES = ["prime256v1", "secp384r1"];
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;

/** RSA-PSS whose mask is made with the same hash, given by the last byte of its identifier. */
function pssForm({ hash, saltSize }: { readonly hash: string; readonly saltSize: string }): string {
  const digest = `300d06096086480165030402${hash}0500`;
  const mask = `301a06092a864886f70d010108${digest}`;
  return `06092a864886f70d01010a3034a00f${digest}a11c${mask}a2030201${saltSize}`;
}

/** Whether the owner of a public key (DER of its SubjectPublicKeyInfo) signed this. */
export function isSignedBy(signed: Signed, publicKeyInfo: Bytes): boolean {
  const algorithm = ALGORITHMS.get(toHex(signed.algorithm));
  const key = importPublicKey(publicKeyInfo);
  if (algorithm === undefined || key === null || key.asymmetricKeyType !== algorithm.key) {
    return false;
  }
  const { hash, saltSize } = algorithm;
  const padding = saltSize === undefined
    ? {}
    : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltSize };
  return verify(hash, signed.content, { key, ...padding }, signed.signature);
}

/** The key, or null when it is damaged or of a kind or size that is not accepted. */
function importPublicKey(publicKeyInfo: Bytes): KeyObject | null {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKeyInfo), format: "der", type: "spki" });
  } catch {
    return null; // What comes from a peer may be anything; the caller refuses it.
  }
  const { namedCurve = "", modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "ec":
      return CURVES.includes(namedCurve) ? key : null;
    case "rsa":
      return modulusLength >= RSA_BITS_MIN && modulusLength <= RSA_BITS_MAX ? key : null;
    case "ed25519":
      return key;
    default:
      return null;
  }
}

/** Signs with ECDSA and SHA-256; `key` must be of P-256 or P-384. */
export function signEcdsa(content: Bytes, key: KeyObject): Bytes {
  return new Uint8Array(sign("sha256", content, key));
}
