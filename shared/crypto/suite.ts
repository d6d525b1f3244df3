import type { Bytes } from "../bytes/mod.ts";
import type { StatusCode } from "../status/mod.ts";

/** The two suites of a chain: SM2/SM3, or secp256k1/Keccak-256. */
export type SuiteName = "sm" | "eth";

/** A hash function with a 32-byte result; synchronous, the result is a fresh array. */
export type HashFunction = (data: Bytes) => Bytes;

/** Who signed, or the status code that says why the signature is refused. */
export type Recovery =
  | { readonly kind: "signer"; readonly address: Bytes }
  | { readonly kind: "refused"; readonly code: StatusCode };

/**
 * Encrypts without a change of length and without a check value; key and iv are 16 bytes each.
 * Only there for the format of `kms.db` (spec/storage_kms.md, B6): it protects nothing by itself.
 */
export interface KeyCipher {
  encrypt(key: Bytes, iv: Bytes, plain: Bytes): Bytes;
  decrypt(key: Bytes, iv: Bytes, encrypted: Bytes): Bytes;
}

/**
 * Hash and signature algorithms of a chain (spec/protocol.md, section 13; spec/storage_kms.md, B3).
 * Secret keys are 32 bytes, public keys 64 bytes X‖Y, addresses 20 bytes, hashes 32 bytes.
 */
export interface CryptoSuite {
  readonly name: SuiteName;
  /** The library that does the work of the curve: speed depends on it, results do not. */
  readonly implementation: string;
  /** A line to log as an error when a slow implementation had to take the place of the fast one. */
  readonly fallbackReason: string | null;
  /** 128 for sm (r‖s‖public key), 65 for eth (r‖s‖recovery id). */
  readonly signatureSize: number;
  /** The chain's hash. */
  readonly hash: HashFunction;
  /** How `kms.db` files of this suite keep secret keys. */
  readonly keyCipher: KeyCipher;
  /** A new secret key from the machine's secure randomness. */
  generateSecretKey(): Bytes;
  /** Whether the bytes are a usable secret key. */
  isSecretKey(secretKey: Bytes): boolean;
  /** The public key of a usable secret key. */
  publicKeyOf(secretKey: Bytes): Bytes;
  /** Last 20 bytes of the hash of the public key. */
  addressOf(publicKey: Bytes): Bytes;
  /** Whether a message can be signed: any for sm, 32 bytes for eth. */
  canSign(message: Bytes): boolean;
  /**
   * Signs a message, normally a 32-byte hash. The order of operations does not depend on the secret
   * key, but numbers of the language are not constant-time in themselves. The secret key must be
   * usable and the message one that {@linkcode CryptoSuite.canSign} accepts. A caller that has the
   * public key at hand gives it: sm signs 1.7 times as fast when it need not be derived.
   */
  sign(secretKey: Bytes, message: Bytes, publicKey?: Bytes): Bytes;
  /** Checks a signature of a message and names its signer; refused with 137 (length) or 138. */
  recover(message: Bytes, signature: Bytes): Recovery;
}
