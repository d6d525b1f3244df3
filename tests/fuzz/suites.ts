/**
 * The two crypto suites a second time, on noble and by the standards' own formulas: they share no
 * code with shared/crypto.
 *
 * @module
 */

import { weierstrass } from "@noble/curves/abstract/weierstrass.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Bytes, bytesToUint, concatBytes, uintToBytes } from "../../shared/bytes/mod.ts";

/** What a judge needs of a suite. */
export interface SuiteOracle {
  readonly name: "sm" | "eth";
  readonly signatureSize: number;
  hash(data: Bytes): Bytes;
  /** The address that signed, null when the signature is none. */
  recover(message: Bytes, signature: Bytes): Bytes | null;
  /** A key made from a seed; signs messages of 32 bytes. */
  key(seed: bigint): OracleKey;
}

/** A key pair that signs. */
export interface OracleKey {
  readonly secretKey: Bytes;
  readonly address: Bytes;
  sign(message: Bytes): Bytes;
}

const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const A = 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n;
const GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n;
const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const Point = weierstrass({ p: P, n: N, h: 1n, a: A, b: B, Gx: GX, Gy: GY });

/** SM3 (GB/T 32905): sixty-four rounds over blocks of 64 bytes. */
export function sm3(data: Bytes): Bytes {
  const rotate = (x: number, by: number) => (x << (by % 32) | x >>> (32 - by % 32)) >>> 0;
  const p0 = (x: number) => x ^ rotate(x, 9) ^ rotate(x, 17);
  const p1 = (x: number) => x ^ rotate(x, 15) ^ rotate(x, 23);
  const padded = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(data.length) * 8n);
  const state = Uint32Array.of(
    ...[0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600],
    ...[0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e],
  );
  const w = new Uint32Array(68);
  const at = (words: Uint32Array, index: number) => words[index] ?? 0;
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(block + 4 * i);
    for (let i = 16; i < 68; i++) {
      const mixed = at(w, i - 16) ^ at(w, i - 9) ^ rotate(at(w, i - 3), 15);
      w[i] = p1(mixed) ^ rotate(at(w, i - 13), 7) ^ at(w, i - 6);
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
    for (let i = 0; i < 64; i++) {
      const t = i < 16 ? 0x79cc4519 : 0x7a879d8a;
      const ss1 = rotate((rotate(a, 12) + e + rotate(t, i)) >>> 0, 7);
      const ss2 = ss1 ^ rotate(a, 12);
      const ff = i < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = i < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + ss2 + (at(w, i) ^ at(w, i + 4))) >>> 0;
      const tt2 = (gg + h + ss1 + at(w, i)) >>> 0;
      [a, b, c, d] = [tt1, a, rotate(b, 9), c];
      [e, f, g, h] = [p0(tt2) >>> 0, e, rotate(f, 19), g];
    }
    for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] = at(state, i) ^ word;
  }
  const hash = new DataView(new ArrayBuffer(32));
  for (const [i, word] of state.entries()) hash.setUint32(4 * i, word);
  return new Uint8Array(hash.buffer);
}

const SM_IDENTITY = concatBytes(
  Uint8Array.of(0, 128),
  new TextEncoder().encode("1234567812345678"),
  ...[A, B, GX, GY].map((value) => uintToBytes(value, 32)),
);

function smDigest(publicKey: Bytes, message: Bytes): bigint {
  return bytesToUint(sm3(concatBytes(sm3(concatBytes(SM_IDENTITY, publicKey)), message)));
}

const modN = (value: bigint) => ((value % N) + N) % N;
const xy = ({ x, y }: { x: bigint; y: bigint }) =>
  concatBytes(uintToBytes(x, 32), uintToBytes(y, 32));

const SM_ORACLE: SuiteOracle = {
  name: "sm",
  signatureSize: 128,
  hash: sm3,
  recover(message, signature) {
    if (signature.length !== 128) return null;
    const r = bytesToUint(signature.subarray(0, 32));
    const s = bytesToUint(signature.subarray(32, 64));
    const publicKey = signature.slice(64);
    const [x, y] = [bytesToUint(publicKey.subarray(0, 32)), bytesToUint(publicKey.subarray(32))];
    const isOnCurve = x < P && y < P && (y * y - x * x * x - A * x - B) % P === 0n;
    const t = modN(r + s);
    if (r === 0n || r >= N || s === 0n || s >= N || t === 0n || !isOnCurve) return null;
    const point = Point.BASE.multiplyUnsafe(s).add(Point.fromAffine({ x, y }).multiplyUnsafe(t));
    if (point.is0()) return null;
    const isValid = modN(smDigest(publicKey, message) + point.toAffine().x) === r;
    return isValid ? sm3(publicKey).slice(12) : null;
  },
  key(seed) {
    const d = modN(seed) === 0n ? 1n : modN(seed);
    const publicKey = xy(Point.BASE.multiply(d).toAffine());
    const inverse = Point.Fn.inv(modN(1n + d));
    return {
      secretKey: uintToBytes(d, 32),
      address: sm3(publicKey).slice(12),
      sign(message) {
        const e = smDigest(publicKey, message);
        // of tests only: a nonce that follows from the message tells the key to no one it matters to
        const k = modN(bytesToUint(sm3(concatBytes(uintToBytes(d, 32), message)))) || 1n;
        const r = modN(e + Point.BASE.multiply(k).toAffine().x);
        const s = modN(inverse * (k - r * d));
        return concatBytes(uintToBytes(r, 32), uintToBytes(s, 32), publicKey);
      },
    };
  },
};

const ETH_ORACLE: SuiteOracle = {
  name: "eth",
  signatureSize: 65,
  hash: (data) => keccak_256(data),
  recover(message, signature) {
    const [recovery = 4] = signature.subarray(64);
    if (signature.length !== 65 || message.length !== 32 || recovery > 3) return null;
    try {
      const point = secp256k1.Signature.fromBytes(signature.subarray(0, 64), "compact")
        .addRecoveryBit(recovery).recoverPublicKey(message);
      return keccak_256(xy(point.toAffine())).slice(12);
    } catch {
      return null; // there is no such point
    }
  },
  key(seed) {
    const secretKey = keccak_256(uintToBytes(BigInt.asUintN(256, seed), 32));
    const publicKey = secp256k1.getPublicKey(secretKey, false).slice(1);
    return {
      secretKey,
      address: keccak_256(publicKey).slice(12),
      sign(message) {
        const options = { prehash: false, format: "recovered" } as const;
        const signature = secp256k1.sign(message, secretKey, options);
        // noble puts the recovery id first
        return concatBytes(signature.subarray(1), signature.subarray(0, 1));
      },
    };
  },
};

/** A suite by its name. */
export function suiteOracle(name: "sm" | "eth"): SuiteOracle {
  return name === "sm" ? SM_ORACLE : ETH_ORACLE;
}
