/**
 * The operations of the kms done by others, on one core: noble, `sm-crypto`, and OpenSSL where it is
 * installed. All figures are operations per second of processor time.
 *
 * @module
 */

import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { sm2, sm3 } from "sm-crypto";
import { bytesToUint } from "../shared/bytes/mod.ts";
import { SM2_CURVE } from "../shared/crypto/sm/curve.ts";
import { HASHED_SIZE } from "../services/kms/speed/measure.ts";
import { processorRate } from "../services/kms/speed/stopwatch.ts";

/** What one implementation reaches; absent where it has no such operation. */
export interface Baseline {
  readonly hash?: number;
  readonly sign?: number;
  readonly recoverNewKey?: number;
  readonly recoverKnownKey?: number;
}

const MEASURE_MS = 500;
const DIGEST = new Uint8Array(32).fill(0x11);

const rate = (run: () => void) => processorRate(run, MEASURE_MS);

/**
 * SM2 as written in GB/T 32918.2 on noble's curve for any parameters; the digest of the message is
 * at hand already. A known key has tables, a new one has none.
 */
export function nobleSm2(): Baseline {
  const Point = weierstrass(SM2_CURVE);
  const { Fn: scalars, Fp: field } = Point;
  const e = scalars.create(bytesToUint(DIGEST));
  const randomScalar = () =>
    scalars.create(bytesToUint(crypto.getRandomValues(new Uint8Array(32))));
  const d = randomScalar();
  const sign = () => {
    const k = randomScalar();
    const r = scalars.create(e + Point.BASE.multiply(k).toAffine().x);
    return { r, s: scalars.mul(scalars.inv(1n + d), scalars.create(k - r * d)) };
  };
  const { r, s } = sign();
  const coordinates = Point.BASE.multiply(d).toAffine();
  const verify = (key: InstanceType<typeof Point>) => {
    const t = scalars.add(r, s);
    const { x } = Point.BASE.multiplyUnsafe(s).add(key.multiplyUnsafe(t)).toAffine();
    if (scalars.create(e + x) !== r) throw new Error("noble refuses its own signature");
  };
  const known = Point.fromAffine(coordinates).precompute(8);
  return {
    sign: rate(sign),
    recoverNewKey: rate(() => {
      const key = Point.fromAffine({ x: field.create(coordinates.x), y: coordinates.y });
      key.assertValidity();
      verify(key);
    }),
    recoverKnownKey: rate(() => verify(known)),
  };
}

/** secp256k1 and Keccak-256 of noble; recovery computes the key, so that none is known. */
export function nobleEth(): Baseline {
  const { secretKey } = secp256k1.keygen();
  const options = { prehash: false, format: "recovered" } as const;
  const signature = secp256k1.sign(DIGEST, secretKey, options);
  const recover = rate(() => secp256k1.recoverPublicKey(signature, DIGEST, { prehash: false }));
  const data = new Uint8Array(HASHED_SIZE);
  return {
    hash: rate(() => keccak_256(data)),
    sign: rate(() => secp256k1.sign(DIGEST, secretKey, options)),
    recoverNewKey: recover,
    recoverKnownKey: recover,
  };
}

/** The package `sm-crypto`, digests with the signer's identity included as in ours. */
export function smCrypto(): Baseline {
  const { privateKey, publicKey } = sm2.generateKeyPairHex();
  const message = [...DIGEST];
  const options = { hash: true, publicKey };
  const signature = sm2.doSignature(message, privateKey, options);
  const verify = rate(() => {
    const isValid = sm2.doVerifySignature(message, signature, publicKey, options);
    if (!isValid) throw new Error("sm-crypto refuses its own signature");
  });
  const data = [...new Uint8Array(HASHED_SIZE)];
  return {
    hash: rate(() => sm3(data)),
    sign: rate(() => sm2.doSignature(message, privateKey, options)),
    recoverNewKey: verify,
    recoverKnownKey: verify,
  };
}

/** `openssl speed` with SM2 and SM3; nothing when there is no such program. */
export async function openssl(): Promise<Baseline> {
  const signatures = await opensslSpeed(["sm2"]);
  const hashes = await opensslSpeed(["-bytes", String(HASHED_SIZE), "-evp", "sm3"]);
  // +F7:<curve>:<bits>:<name>:<signatures per second>:<verifications per second>
  const [, , , , sign, verify] = signatures.find((line) => line[0] === "+F7") ?? [];
  // +F:<number>:<name>:<bytes per second>
  const [, , , bytes] = hashes.find((line) => line[0] === "+F") ?? [];
  if (sign === undefined || verify === undefined || bytes === undefined) return {};
  return {
    hash: Number(bytes) / HASHED_SIZE,
    sign: Number(sign),
    recoverNewKey: Number(verify),
    recoverKnownKey: Number(verify),
  };
}

/** Lines for programs, split at their colons. */
async function opensslSpeed(what: readonly string[]): Promise<string[][]> {
  try {
    const args = ["speed", "-mr", "-seconds", "1", ...what];
    const { stdout } = await new Deno.Command("openssl", { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout).split("\n").map((line) => line.split(":"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
