import { constants, type KeyObject, sign, verify } from "node:crypto";
import { type Bytes, fromHex, toHex } from "../bytes/mod.ts";
import { importPublicKey, type KeyKind } from "./public_key.ts";

/** Something signed as X.509 does it, in certificates and in signing requests. */
export interface Signed {
  /** The DER that the signature is made of. */
  readonly content: Bytes;
  /** Content of the AlgorithmIdentifier. */
  readonly algorithm: Bytes;
  readonly signature: Bytes;
}

interface Algorithm {
  readonly kind: KeyKind;
  /** Null where the algorithm has a hash of its own. */
  readonly hash: string | null;
  /** Bytes of the salt of RSA-PSS. */
  readonly saltSize?: number;
}

/** ECDSA with SHA-256, as content of its AlgorithmIdentifier: the one that this package signs with. */
export const ECDSA_SHA256: Bytes = fromHex("06082a8648ce3d040302");

/** Algorithms of spec/network.md, 4.3, each by the one form in which it may be named. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  [toHex(ECDSA_SHA256), { kind: "ec", hash: "sha256" }],
  ["06082a8648ce3d040303", { kind: "ec", hash: "sha384" }],
  ["06032b6570", { kind: "ed25519", hash: null }],
  ["06092a864886f70d01010b0500", { kind: "rsa", hash: "sha256" }],
  ["06092a864886f70d01010c0500", { kind: "rsa", hash: "sha384" }],
  ["06092a864886f70d01010d0500", { kind: "rsa", hash: "sha512" }],
  [pssForm({ hash: "01", saltSize: "20" }), { kind: "rsa", hash: "sha256", saltSize: 32 }],
  [pssForm({ hash: "02", saltSize: "30" }), { kind: "rsa", hash: "sha384", saltSize: 48 }],
  [pssForm({ hash: "03", saltSize: "40" }), { kind: "rsa", hash: "sha512", saltSize: 64 }],
]);

/** RSA-PSS whose mask is made with the same hash, given by the last byte of its identifier. */
function pssForm({ hash, saltSize }: { readonly hash: string; readonly saltSize: string }): string {
  const digest = `300d06096086480165030402${hash}0500`;
  const mask = `301a06092a864886f70d010108${digest}`;
  return `06092a864886f70d01010a3034a00f${digest}a11c${mask}a2030201${saltSize}`;
}

/** Whether the owner of a public key (DER of its SubjectPublicKeyInfo) signed this. */
export function isSignedBy(signed: Signed, publicKeyInfo: Bytes): boolean {
  const algorithm = ALGORITHMS.get(toHex(signed.algorithm));
  const owner = importPublicKey(publicKeyInfo);
  if (algorithm === undefined || owner === null || owner.kind !== algorithm.kind) return false;
  const { hash, saltSize } = algorithm;
  const padding = saltSize === undefined
    ? {}
    : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltSize };
  return verify(hash, signed.content, { key: owner.key, ...padding }, signed.signature);
}

/** Signs with ECDSA and SHA-256; `key` must be of P-256 or P-384. */
export function signEcdsa(content: Bytes, key: KeyObject): Bytes {
  return new Uint8Array(sign("sha256", content, key));
}
