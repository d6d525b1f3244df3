import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { type Bytes, bytesToUint, toHex } from "../bytes/mod.ts";
import { decodeDer, type DerReader, TAG } from "./der.ts";
import { CertificateError } from "./errors.ts";

/** Kinds of keys that may sign, each with its own signature algorithms. */
export type KeyKind = "ec" | "ed25519" | "rsa";

/** A key that was checked, for `node:crypto`. */
export interface PublicKey {
  readonly kind: KeyKind;
  readonly key: KeyObject;
}

/** Contents of the AlgorithmIdentifier of a key, in the one form that is accepted. */
const P256 = "06072a8648ce3d020106082a8648ce3d030107";
const P384 = "06072a8648ce3d020106052b81040022";
const ED25519 = "06032b6570";
const RSA = "06092a864886f70d0101010500";

/** First byte of a point of which both coordinates follow. */
const WHOLE_POINT = 4;

const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;

/** Bytes of the largest key: modulus, exponent, and what DER puts before them. */
const RSA_KEY_SIZE_MAX = RSA_BITS_MAX / 8 + 16;

/** Largest exponent of RSA, as in ring: a larger one makes each verification slow. */
const RSA_EXPONENT_MAX = 2n ** 33n - 1n;

/** A key as it stands in a certificate. */
interface PublicKeyInfo {
  /** Content of its AlgorithmIdentifier. */
  readonly algorithm: string;
  readonly bytes: Bytes;
}

/**
 * Imports a public key from the DER of its SubjectPublicKeyInfo. All of it is checked here, because
 * Deno 2.7.14 ends the process, instead of throwing, for some that are damaged.
 *
 * @returns null when it is damaged or of a kind or size that is not accepted
 */
export function importPublicKey(publicKeyInfo: Bytes): PublicKey | null {
  const info = readPublicKeyInfo(publicKeyInfo);
  const kind = info === null ? null : kindOf(info);
  if (kind === null) return null;
  try {
    const encoded = { key: Buffer.from(publicKeyInfo), format: "der", type: "spki" } as const;
    return { kind, key: createPublicKey(encoded) };
  } catch {
    return null; // e.g. a point that is not on the curve, sent by a peer; the caller refuses it
  }
}

/** Reads a SubjectPublicKeyInfo; null when it is damaged. */
function readPublicKeyInfo(der: Bytes): PublicKeyInfo | null {
  return readOrNull(der, (reader) => ({
    algorithm: toHex(reader.element(TAG.sequence).content),
    bytes: reader.bitString(),
  }));
}

/** Decodes what is in a sequence; null when it is damaged. */
function readOrNull<Value>(der: Bytes, decode: (reader: DerReader) => Value): Value | null {
  try {
    return decodeDer(der, (outer) => outer.inside(TAG.sequence, decode));
  } catch (error) {
    if (error instanceof CertificateError) return null;
    throw error;
  }
}

function kindOf({ algorithm, bytes }: PublicKeyInfo): KeyKind | null {
  switch (algorithm) {
    case P256:
      return bytes.length === 65 && bytes[0] === WHOLE_POINT ? "ec" : null;
    case P384:
      return bytes.length === 97 && bytes[0] === WHOLE_POINT ? "ec" : null;
    case ED25519:
      return bytes.length === 32 ? "ed25519" : null;
    case RSA:
      return isRsaKey(bytes) ? "rsa" : null;
    default:
      return null;
  }
}

function isRsaKey(bytes: Bytes): boolean {
  const key = readOrNull(bytes, (reader) => ({
    modulus: reader.element(TAG.integer).content,
    exponent: reader.element(TAG.integer).content,
  }));
  const isWithinSize = bytes.length <= RSA_KEY_SIZE_MAX;
  if (key === null || !isWithinSize || ![key.modulus, key.exponent].every(isShortestPositive)) {
    return false;
  }
  const bits = bytesToUint(key.modulus).toString(2).length;
  const exponent = bytesToUint(key.exponent);
  return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && isOdd(key.modulus) &&
    exponent >= 3n && exponent <= RSA_EXPONENT_MAX && isOdd(key.exponent);
}

function isShortestPositive([first = 0x80, second = 0x80]: Bytes): boolean {
  return first < 0x80 && (first > 0 || second >= 0x80);
}

const isOdd = (bytes: Bytes): boolean => (bytes[bytes.length - 1] ?? 0) % 2 === 1;
