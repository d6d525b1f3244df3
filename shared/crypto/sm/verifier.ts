import { type Bytes, bytesToUint, toHex } from "../../bytes/mod.ts";
import { addressOfPublicKey } from "../address.ts";
import type { HashFunction } from "../suite.ts";
import { parsePublicKey, SM2_SCALARS, Sm2Point } from "./curve.ts";
import { createDigest, type Sm2Digest } from "./digest.ts";

/** Checks SM2 signatures: on WebAssembly (`wasm/verifier.ts`), or {@linkcode createNobleVerifier}. */
export interface Sm2Verifier {
  /** What does the work. */
  readonly implementation: string;
  /**
   * The address of the key if r‖s‖public key (128 bytes) is a signature of the message by it, or
   * null.
   */
  recover(message: Bytes, signature: Bytes): Bytes | null;
}

type Point = InstanceType<typeof Sm2Point>;

interface Signer {
  readonly point: Point;
  validSignatures: number;
}

/** Keys remembered, and so the bound of memory: about 170 kB for each that has a table. */
const SIGNER_LIMIT = 128;

/**
 * A table costs as much as four checks and saves more than half of each later one. Only valid
 * signatures count, so forged ones cannot make the service build tables.
 */
const SIGNATURES_BEFORE_TABLE = 4;

/** Width of a signer's table: 0.15 ms for a multiplication instead of 0.77 ms. */
const SIGNER_WINDOW = 5;

/**
 * A verifier on the abstract curve of noble: about 1,200 checks per second for a new key and 3,000
 * for one that was seen a few times (spec/storage_kms.md, B3). A `digest` other than that of SM2 is
 * for tests that need signatures of chosen numbers.
 */
export function createNobleVerifier(
  hash: HashFunction,
  digest: Sm2Digest = createDigest(hash),
): Sm2Verifier {
  const signers = new Map<string, Signer>();
  return {
    implementation: "noble",
    recover(message, signature) {
      const publicKey = signature.subarray(64);
      const key = toHex(publicKey);
      const signer = signers.get(key) ?? newSigner(publicKey);
      if (signer === null) return null;
      if (!verifyBy(signer, digest(publicKey, message), signature)) return null;
      signer.validSignatures += 1;
      remember(signers, key, signer);
      return addressOfPublicKey(hash, publicKey);
    },
  };
}

function newSigner(publicKey: Bytes): Signer | null {
  const point = parsePublicKey(publicKey);
  return point === null ? null : { point, validSignatures: 0 };
}

/** Moves the key to the young end of the map and drops the oldest one above the limit. */
function remember(signers: Map<string, Signer>, key: string, signer: Signer): void {
  signers.delete(key);
  signers.set(key, signer);
  if (signers.size <= SIGNER_LIMIT) return;
  for (const oldest of signers.keys()) {
    signers.delete(oldest);
    return;
  }
}

/** Steps B1 to B7 of GB/T 32918.2, section 7.1, with e already hashed. */
function verifyBy(signer: Signer, e: bigint, signature: Bytes): boolean {
  const r = bytesToUint(signature.subarray(0, 32));
  const s = bytesToUint(signature.subarray(32, 64));
  if (!SM2_SCALARS.isValidNot0(r) || !SM2_SCALARS.isValidNot0(s)) return false;
  const t = SM2_SCALARS.add(r, s);
  if (t === 0n) return false;
  const sum = sumOfMultiples(signer, s, t);
  if (sum.is0()) return false;
  return hasX(sum, SM2_SCALARS.create(r - e));
}

/** s·G + t·P, with tables for both when the key came often enough. */
function sumOfMultiples({ point, validSignatures }: Signer, s: bigint, t: bigint): Point {
  if (validSignatures < SIGNATURES_BEFORE_TABLE) return Sm2Point.BASE.mulAddUnsafe(s, point, t);
  if (validSignatures === SIGNATURES_BEFORE_TABLE) point.precompute(SIGNER_WINDOW);
  return Sm2Point.BASE.multiplyUnsafe(s).add(point.multiplyUnsafe(t));
}

/** Whether the affine x is congruent to `x` modulo the order, without a division. */
function hasX({ X, Z }: Point, x: bigint): boolean {
  const field = Sm2Point.Fp;
  if (field.eql(field.mul(x, Z), X)) return true;
  const second = x + SM2_SCALARS.ORDER;
  return second < field.ORDER && field.eql(field.mul(second, Z), X);
}
