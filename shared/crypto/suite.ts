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
 * Hash and signature algorithms of a chain (spec/protocol.md, section 13; spec/storage_kms.md, B3).
 * Secret keys are 32 bytes, public keys 64 bytes X‖Y, addresses 20 bytes, hashes 32 bytes.
 */
export interface CryptoSuite {
  readonly name: SuiteName;
  /** 128 for sm (r‖s‖public key), 65 for eth (r‖s‖recovery id). */
  readonly signatureSize: number;
  /** The chain's hash. */
  readonly hash: HashFunction;
  /** A new secret key from the machine's secure randomness. */
  generateSecretKey(): Bytes;
  /** Whether 32 bytes are a usable secret key. */
  isSecretKey(secretKey: Bytes): boolean;
  publicKeyOf(secretKey: Bytes): Bytes;
  /** Last 20 bytes of the hash of the public key. */
  addressOf(publicKey: Bytes): Bytes;
  /** Signs a 32-byte hash in constant time. */
  sign(secretKey: Bytes, hash: Bytes): Bytes;
  /** Checks a signature of a 32-byte hash and names its signer; 137, 303 or 138 when refused. */
  recover(hash: Bytes, signature: Bytes): Recovery;
}
