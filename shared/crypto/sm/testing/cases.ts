import { type Bytes, bytesToUint, concatBytes, u64be, uintToBytes } from "../../../bytes/mod.ts";
import type { HashFunction } from "../../suite.ts";
import { SM2_CURVE, SM2_SCALARS, Sm2Point } from "../curve.ts";
import { createDigest } from "../digest.ts";

type Point = InstanceType<typeof Sm2Point>;

/** A signature of a message, or of a number e in place of the hash of one. */
export interface Sm2Case {
  /** What is special about it. */
  readonly kind: string;
  readonly subject: { readonly message: Bytes } | { readonly e: bigint };
  /** 128 bytes. */
  readonly signature: Bytes;
  /** By construction. */
  readonly isValid: boolean;
}

const { p: PRIME, n: ORDER, a, b } = SM2_CURVE;
const LIMIT = 2n ** 256n;
const FIELD = Sm2Point.Fp;
const BASE = Sm2Point.BASE;

/** Draws from a seed, the same on every machine. */
class Draws {
  #count = 0n;
  constructor(readonly hash: HashFunction, readonly seed: bigint) {}

  bytes(): Bytes {
    return this.hash(concatBytes(u64be(this.seed), u64be(this.#count++)));
  }

  below(limit: bigint): bigint {
    return bytesToUint(concatBytes(this.bytes(), this.bytes())) % limit;
  }

  index(count: number): number {
    return Number(this.below(BigInt(count)));
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.index(items.length)] ?? items[0];
  }

  /** A scalar that is not 0. */
  scalar(): bigint {
    return 1n + this.below(ORDER - 1n);
  }

  message(): Bytes {
    const size = this.index(4) === 0 ? this.index(300) : 32;
    return concatBytes(...Array.from({ length: 10 }, () => this.bytes())).subarray(0, size);
  }
}

const mod = (value: bigint) => SM2_SCALARS.create(value);

function multiple(point: Point, scalar: bigint): Point {
  return scalar === 0n ? Sm2Point.ZERO : point.multiplyUnsafe(scalar);
}

function encodeNumber(value: bigint): Bytes {
  return uintToBytes(value, 32);
}

function encodePoint(point: Point): Bytes {
  const { x, y } = point.toAffine();
  return concatBytes(encodeNumber(x), encodeNumber(y));
}

function encode(r: bigint, s: bigint, publicKey: Bytes): Bytes {
  return concatBytes(encodeNumber(r), encodeNumber(s), publicKey);
}

/** The point with this x and an even y, or null. */
function lift(x: bigint): Point | null {
  const right = FIELD.add(FIELD.mul(FIELD.add(FIELD.sqr(x), a), x), b);
  try {
    return Sm2Point.fromAffine({ x, y: FIELD.sqrt(right) });
  } catch {
    return null; // no square: half of all x are on the twist
  }
}

/** The first point whose x is `start` or above. */
function liftFrom(start: bigint): Point {
  for (let x = start;; x++) {
    const point = lift(x);
    if (point !== null) return point;
  }
}

/** The e that r and s sign for a key: nobody's secret is needed to choose it last. */
function digestOf(r: bigint, s: bigint, key: Point): bigint | null {
  const sum = multiple(BASE, mod(s)).add(multiple(key, mod(r + s)));
  return sum.is0() ? null : mod(r - sum.toAffine().x);
}

/** r and s over e with a secret key and a nonce (GB/T 32918.2, section 6.1). */
function signDigest(secretKey: bigint, nonce: bigint, e: bigint): { r: bigint; s: bigint } {
  const r = mod(e + BASE.multiply(nonce).toAffine().x);
  return { r, s: SM2_SCALARS.mul(SM2_SCALARS.inv(1n + secretKey), mod(nonce - r * secretKey)) };
}

/** Scalars whose digits or sums are special. */
function edgeScalar(draws: Draws): bigint {
  const small = BigInt(1 + draws.index(40));
  const power = 1n << BigInt(draws.index(256));
  const run = (1n << BigInt(1 + draws.index(255))) - 1n;
  const value = draws.pick([
    small,
    -small,
    power,
    -power,
    power + small,
    run,
    -run,
    (ORDER + 1n) / 2n + small,
    (ORDER - 1n) / 2n - small,
    run * power,
    0x0f0f0f0fn * power,
    0xffffffffn << BigInt(32 * draws.index(8)),
    draws.below(ORDER),
  ]);
  return mod(value) || 1n;
}

type Maker = (draws: Draws) => Omit<Sm2Case, "kind">;

/** A case whose e makes it valid but for what the ranges say. */
function chosenDigest(r: bigint, s: bigint, key: Point, isValid: boolean): Omit<Sm2Case, "kind"> {
  const e = digestOf(r, s, key);
  return {
    subject: { e: e ?? mod(r) },
    signature: encode(r, s, encodePoint(key)),
    isValid: isValid && e !== null,
  };
}

/** A valid case whose sum s·G + t·P is a chosen point: P is what makes it so. */
function chosenSum(sum: Point, r: bigint, s: bigint) {
  const key = multiple(sum.subtract(multiple(BASE, s)), SM2_SCALARS.inv(mod(r + s)));
  const e = mod(r - sum.toAffine().x);
  return { subject: { e }, signature: encode(r, s, encodePoint(key)), isValid: true };
}

function flipBit(bytes: Bytes, bit: number): Bytes {
  const changed = bytes.slice();
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

/** Makes {@linkcode Sm2Case}s of every kind from a seed. */
export function createCases(hash: HashFunction, seed: bigint): () => Sm2Case {
  const draws = new Draws(hash, seed);
  const digest = createDigest(hash);
  // keys that come again, so that tables are used
  const regulars = Array.from({ length: 24 }, () => draws.scalar());
  const randomKey = () => multiple(BASE, draws.scalar());

  function signed(): Omit<Sm2Case, "kind"> & { subject: { message: Bytes } } {
    const secretKey = draws.index(3) === 0 ? draws.scalar() : draws.pick([1n, ...regulars]);
    const publicKey = encodePoint(BASE.multiply(secretKey));
    const message = draws.message();
    const { r, s } = signDigest(secretKey, draws.scalar(), digest(publicKey, message));
    return { subject: { message }, signature: encode(r, s, publicKey), isValid: true };
  }

  const makers: Readonly<Record<string, Maker>> = {
    "signed": signed,
    "one bit flipped": () => {
      const { subject, signature } = signed();
      const changed = flipBit(signature, draws.index(1024));
      return { subject, signature: changed, isValid: false };
    },
    "message changed": () => {
      const { subject: { message }, signature } = signed();
      const changed = message.length === 0
        ? Uint8Array.of(0)
        : flipBit(message, draws.index(8 * message.length));
      return { subject: { message: changed }, signature, isValid: false };
    },
    "key of another": () => {
      const { subject, signature } = signed();
      const other = concatBytes(signature.subarray(0, 64), encodePoint(randomKey()));
      return { subject, signature: other, isValid: false };
    },
    "e chosen": (draws) => chosenDigest(draws.scalar(), edgeScalar(draws), randomKey(), true),
    "e near 0, n and 2^256": (draws) => {
      const secretKey = draws.scalar();
      const offset = BigInt(draws.index(4));
      const e = draws.pick([offset, ORDER - 1n - offset, ORDER + offset, LIMIT - 1n - offset]);
      const { r, s } = signDigest(secretKey, draws.scalar(), e);
      const publicKey = encodePoint(BASE.multiply(secretKey));
      return { subject: { e }, signature: encode(r, s, publicKey), isValid: true };
    },
    "r near 0 and n": (draws) => {
      const offset = BigInt(draws.index(5));
      const r = draws.pick([offset, ORDER - offset, ORDER + offset]);
      return chosenDigest(r, draws.scalar(), randomKey(), r > 0n && r < ORDER);
    },
    "s near 0 and n": (draws) => {
      const offset = BigInt(draws.index(5));
      const s = draws.pick([offset, ORDER - offset, ORDER + offset]);
      return chosenDigest(draws.scalar(), s, randomKey(), s > 0n && s < ORDER);
    },
    "r + s near n": (draws) => {
      const r = draws.scalar();
      const offset = BigInt(draws.index(5)) - 2n;
      const s = mod(ORDER - r + offset) || 1n;
      return chosenDigest(r, s, randomKey(), mod(r + s) !== 0n);
    },
    "digits of s and t": (draws) => {
      const s = edgeScalar(draws);
      const t = edgeScalar(draws);
      const r = mod(t - s);
      return chosenDigest(r, s, randomKey(), r !== 0n);
    },
    "x at or above n": (draws) => {
      const sum = liftFrom(ORDER + draws.below(PRIME - ORDER - 1000n));
      return chosenSum(sum, draws.scalar(), draws.scalar());
    },
    "x below p - n": (draws) => {
      const sum = liftFrom(draws.below(PRIME - ORDER - 1000n));
      return chosenSum(sum, draws.scalar(), draws.scalar());
    },
    "x + p for x": (draws) => {
      // r - e + n is x + p, which fits in 256 bits but is no coordinate
      const sum = liftFrom(draws.below(LIMIT - PRIME - 1000n));
      const made = chosenSum(sum, draws.scalar(), draws.scalar());
      return { ...made, subject: { e: mod(made.subject.e - (PRIME - ORDER)) }, isValid: false };
    },
    "r below e - n": (draws) => {
      const sum = liftFrom(ORDER - 1000n - draws.below(2n ** 223n));
      const made = chosenSum(sum, BigInt(1 + draws.index(1000)), draws.scalar());
      return { ...made, subject: { e: made.subject.e + ORDER } };
    },
    "x off by one or n": (draws) => {
      const key = randomKey();
      const [r, s] = [draws.scalar(), draws.scalar()];
      const e = digestOf(r, s, key) ?? 0n;
      const wrong = draws.pick([e + 1n, e + PRIME - ORDER, e + LIMIT - 2n ** 255n]);
      const signature = encode(r, s, encodePoint(key));
      return { subject: { e: mod(wrong) }, signature, isValid: false };
    },
    "P = small multiple of G": (draws) => {
      const d = BigInt(1 + draws.index(40)) * draws.pick([1n, -1n]);
      const s = edgeScalar(draws);
      const t = draws.pick([edgeScalar(draws), mod(s * d) || 1n, mod(-s * d) || 1n]);
      const r = mod(t - s);
      return chosenDigest(r, s, multiple(BASE, mod(d)), r !== 0n);
    },
    "P = G or -G": (draws) => {
      const key = draws.pick([BASE, BASE.negate()]);
      const s = draws.pick([edgeScalar(draws), draws.scalar()]);
      const r = draws.pick([edgeScalar(draws), draws.scalar(), mod(-2n * s) || 1n]);
      return chosenDigest(r, s, key, mod(r + s) !== 0n);
    },
    "R at infinity": (draws) => {
      const t = draws.pick([draws.scalar(), edgeScalar(draws)]);
      // small s: the last addition is that of s·G, to its negative
      const s = draws.pick([draws.scalar(), BigInt(1 + draws.index(40)), edgeScalar(draws)]);
      const d = SM2_SCALARS.mul(mod(-s), SM2_SCALARS.inv(t));
      const r = mod(t - s);
      const e = draws.pick([r, draws.below(LIMIT), mod(r - BASE.multiply(s).toAffine().x)]);
      const signature = encode(r, s, encodePoint(BASE.multiply(d)));
      return { subject: { e }, signature, isValid: false };
    },
    "s·G = t·P": (draws) => {
      const d = draws.pick([draws.scalar(), BigInt(2 + draws.index(40)), ...regulars]);
      const t = draws.pick([draws.scalar(), edgeScalar(draws)]);
      const s = mod(t * d);
      const r = mod(t - s) || 1n;
      return chosenDigest(r, mod(t - r) || 1n, BASE.multiply(d), true);
    },
    "P not on the curve": (draws) => {
      const key = encodePoint(randomKey());
      const wrong = draws.pick([
        concatBytes(draws.bytes(), draws.bytes()),
        concatBytes(key.subarray(32), key.subarray(0, 32)),
        concatBytes(draws.bytes(), key.subarray(32)),
      ]);
      const e = draws.below(LIMIT);
      return {
        subject: { e },
        signature: encode(draws.scalar(), draws.scalar(), wrong),
        isValid: false,
      };
    },
    "P on the twist": (draws) => {
      let x = draws.below(PRIME);
      while (lift(x) !== null) x++;
      const y = draws.below(PRIME);
      const wrong = concatBytes(encodeNumber(x), encodeNumber(y));
      const e = draws.below(LIMIT);
      return {
        subject: { e },
        signature: encode(draws.scalar(), draws.scalar(), wrong),
        isValid: false,
      };
    },
    "coordinate at or above p": (draws) => {
      // below 2^256 - p, so that x + p has 32 bytes as well
      const key = liftFrom(draws.below(LIMIT - PRIME - 1000n));
      const { x, y } = key.toAffine();
      const [r, s] = [draws.scalar(), draws.scalar()];
      const e = digestOf(r, s, key) ?? 0n;
      const wrong = draws.pick([[x + PRIME, y], [PRIME, y], [x, PRIME], [x, LIMIT - 1n]]);
      const publicKey = concatBytes(...wrong.map(encodeNumber));
      return { subject: { e }, signature: encode(r, s, publicKey), isValid: false };
    },
    "zeros and ones": (draws) => {
      const { subject, signature } = signed();
      const changed = signature.slice();
      const [from, to] = draws.pick([[0, 128], [0, 32], [32, 64], [0, 64], [64, 96], [96, 128], [
        64,
        128,
      ]]);
      changed.fill(draws.pick([0, 0xff]), from, to);
      return { subject, signature: changed, isValid: false };
    },
  };

  const kinds = Object.keys(makers);
  let next = 0;
  return () => {
    const kind = kinds[next++ % kinds.length] ?? "";
    const make = makers[kind];
    if (make === undefined) throw new Error(`Cannot make a case of kind "${kind}"`);
    return { kind, ...make(draws) };
  };
}
