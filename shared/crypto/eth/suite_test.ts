import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Bytes,
  bytesToUint,
  concatBytes,
  fromHex,
  toHex,
  uintToBytes,
} from "../../bytes/mod.ts";
import { StatusCode } from "../../status/mod.ts";
import type { CryptoSuite } from "../suite.ts";
import { loadNativeEngine, NOBLE_ENGINE, type Secp256k1Engine } from "./engine.ts";
import { loadEthSuite } from "./suite.ts";

/** Order of secp256k1 (SEC 2). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** x of its base point. */
const BASE_X = 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n;
/** Some r for which points with x = r and with x = r + n exist. */
const R_OF_FOUR = 2n;

// spec/storage_kms.md, C2
const SECRET_KEY = fromHex("ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690");
const PUBLIC_KEY = "20a784c4e9a77e01667b6677b068aa8b1cbb550424af5694d1ed888c7cec7eed" +
  "1d298eb31cc8cc4fed44d63ed0a03a351e9ce05eecb5195f2eeccbdaa9d18f5f";
const ADDRESS = "9ab7994b45ccba88b4dc4ee07f5ef7fddc088888";

const SIGNATURES: readonly (readonly [digest: string, signature: string])[] = [
  [
    "706b3416b3719437a4d84d09368727d5e260cf2c408e1095e31ccec801a9c5a9",
    "9e41021538d26c79ff37f38bcc2d3cb203c0e4e64add1b85a86abb17da54ad8a" +
    "38ecf1fb56478a9c770a69a41504421ce2d6ea299ac49fcbae8d43f9905ec5f600",
  ],
  [
    "11".repeat(32),
    "68f6e64f895b5ffc5aa450e5c0d430b94a15c930f14d1142505a5fc64f06fab1" +
    "03a967e4e3665f00faeb1730b1c69ee4bcb58c335894f258550e4255ee206b4c01",
  ],
  [
    "b89e7eff6b01597e70a78d65bccd2f92d534b75a07b281cc12f17f3359d9a940",
    "d998725f626fcd28273644b3af2368201a1bd2276418194589c55d6c4b6538d2" +
    "65fc16efbb6ff91a038c459b5fa5129c7b672986527098a50f78befe8a890f5a01",
  ],
];

const suite = await loadEthSuite();
const nobleSuite = await loadEthSuite(() => Promise.resolve(NOBLE_ENGINE));
const BOTH: readonly (readonly [string, CryptoSuite])[] = [
  ["native", suite],
  ["noble", nobleSuite],
];

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const secretKeys = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((scalar) => uintToBytes(scalar, 32));

function signerOf(suite: CryptoSuite, digest: Bytes, signature: Bytes): string | number {
  const recovery = suite.recover(digest, signature);
  return recovery.kind === "signer" ? toHex(recovery.address) : recovery.code;
}

Deno.test("loadEthSuite() runs on the native addon", async () => {
  await loadNativeEngine();
  assert.equal(suite.implementation, "libsecp256k1");
  assert.equal(suite.fallbackReason, null);
});

/** Engines that must not be used, and what is said of them. */
const BROKEN: readonly (readonly [string, () => Promise<Secp256k1Engine>, RegExp])[] = [
  [
    "cannot be loaded",
    () => Promise.reject(new Error("no such file")),
    /^Cannot use the native secp256k1, .*no such file$/,
  ],
  ["recovers no one", () => broken({ recover: () => null }), /another signer/],
  ["recovers anyone", () => broken({ recover: () => fromHex(PUBLIC_KEY) }), /malformed signature/],
  ["signs otherwise", () => broken({ sign: () => new Uint8Array(65) }), /another signature/],
  ["takes any secret key", () => broken({ isSecretKey: () => true }), /no secret key/],
];

function broken(part: Partial<Secp256k1Engine>): Promise<Secp256k1Engine> {
  return Promise.resolve({ ...NOBLE_ENGINE, name: "broken", ...part });
}

for (const [fault, loadEngine, reason] of BROKEN) {
  Deno.test(`loadEthSuite() falls back to noble when the engine ${fault}`, async () => {
    const fallback = await loadEthSuite(loadEngine);
    assert.equal(fallback.implementation, "noble");
    assert.match(fallback.fallbackReason ?? "", reason);
  });
}

for (const [name, suite] of BOTH) {
  Deno.test(`eth suite (${name}) derives keys and signs as recorded`, () => {
    assert.equal(toHex(suite.publicKeyOf(SECRET_KEY)), PUBLIC_KEY);
    assert.equal(toHex(suite.addressOf(fromHex(PUBLIC_KEY))), ADDRESS);
    for (const [digest, signature] of SIGNATURES) {
      assert.equal(toHex(suite.sign(SECRET_KEY, fromHex(digest))), signature);
      assert.equal(signerOf(suite, fromHex(digest), fromHex(signature)), ADDRESS);
    }
  });

  Deno.test(`eth suite (${name}) accepts a high s and refuses malformed signatures`, () => {
    const [digestHex, signatureHex] = SIGNATURES[0] ?? ["", ""];
    const digest = fromHex(digestHex);
    const signature = fromHex(signatureHex);
    const r = signature.subarray(0, 32);
    const s = signature.subarray(32, 64);
    const highS = uintToBytes(ORDER - bytesToUint(s), 32);
    assert.equal(signerOf(suite, digest, concatBytes(r, highS, Uint8Array.of(1))), ADDRESS);

    const order = uintToBytes(ORDER, 32);
    const zero = new Uint8Array(32);
    const ones = new Uint8Array(65).fill(0xff);
    const v = Uint8Array.of(0);
    const { SigCheckError, SigLenError } = StatusCode;
    for (
      const bad of [new Uint8Array(65), ones, concatBytes(order, s, v), concatBytes(r, order, v)]
    ) {
      assert.equal(signerOf(suite, digest, bad), SigCheckError);
    }
    for (const bad of [concatBytes(zero, s, v), concatBytes(r, zero, v)]) {
      assert.equal(signerOf(suite, digest, bad), SigCheckError);
    }
    for (const id of [2, 3, 4, 27, 28, 255]) {
      assert.equal(signerOf(suite, digest, concatBytes(r, s, Uint8Array.of(id))), SigCheckError);
    }
    for (const size of [0, 1, 64, 66, 128]) {
      assert.equal(signerOf(suite, digest, new Uint8Array(size)), SigLenError);
    }
    for (const size of [0, 31, 33]) {
      assert.equal(signerOf(suite, new Uint8Array(size), signature), SigCheckError);
      assert.equal(suite.canSign(new Uint8Array(size)), false);
    }
  });

  Deno.test(`eth suite (${name}) recovers by all four recovery ids`, () => {
    const digest = new Uint8Array(32).fill(7);
    const s = uintToBytes(5n, 32);
    const signers = [0, 1, 2, 3].map((id) =>
      signerOf(suite, digest, concatBytes(uintToBytes(R_OF_FOUR, 32), s, Uint8Array.of(id)))
    );
    assert.equal(new Set(signers).size, 4);
    assert(signers.every((signer) => typeof signer === "string"));
  });

  Deno.test(`eth suite (${name}) refuses a signature whose public key is at infinity`, () => {
    // R = G and s = e leave s·R - e·G = 0
    const s = new Uint8Array(32).fill(3);
    const signature = concatBytes(uintToBytes(BASE_X, 32), s, Uint8Array.of(0));
    assert.equal(signerOf(suite, s, signature), StatusCode.SigCheckError);
  });

  Deno.test(`eth suite (${name}) signs with a low s, digests of any value`, () => {
    for (const digest of [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n]) {
      const signature = suite.sign(SECRET_KEY, uintToBytes(digest, 32));
      assert(bytesToUint(signature.subarray(32, 64)) <= ORDER / 2n);
      assert((signature[64] ?? 4) <= 3);
      assert.equal(signerOf(suite, uintToBytes(digest, 32), signature), ADDRESS);
    }
  });

  Deno.test(`eth suite (${name}) knows usable secret keys`, () => {
    for (const scalar of [1n, 2n, ORDER - 1n]) {
      assert(suite.isSecretKey(uintToBytes(scalar, 32)));
    }
    for (const scalar of [0n, ORDER, 2n ** 256n - 1n]) {
      assert(!suite.isSecretKey(uintToBytes(scalar, 32)));
    }
    assert(!suite.isSecretKey(new Uint8Array(31).fill(1)));
    const secretKey = suite.generateSecretKey();
    assert(suite.isSecretKey(secretKey));
    assert.notDeepEqual(secretKey, suite.generateSecretKey());
  });
}

Deno.test("eth suite signs and recovers alike on the addon and on noble", () => {
  fc.assert(
    fc.property(secretKeys, bytes32, (secretKey, digest) => {
      const signature = suite.sign(secretKey, digest);
      assert.deepEqual(signature, nobleSuite.sign(secretKey, digest));
      assert(bytesToUint(signature.subarray(32, 64)) <= ORDER / 2n);
      const address = toHex(nobleSuite.addressOf(nobleSuite.publicKeyOf(secretKey)));
      assert.equal(toHex(suite.addressOf(suite.publicKeyOf(secretKey))), address);
      assert.equal(signerOf(suite, digest, signature), address);
      assert.equal(signerOf(nobleSuite, digest, signature), address);
    }),
    { numRuns: 40 },
  );
});

Deno.test("eth suite judges arbitrary signatures alike on the addon and on noble", () => {
  // small r with recovery id 2 or 3 reaches the lift of r + n
  const scalar = fc.oneof(
    bytes32,
    fc.bigInt({ min: 0n, max: 2n ** 130n }).map((value) => uintToBytes(value, 32)),
    fc.bigInt({ min: ORDER - 3n, max: ORDER + 3n }).map((value) => uintToBytes(value, 32)),
    fc.constantFrom(BASE_X, 0n, 1n, 2n ** 256n - 1n).map((value) => uintToBytes(value, 32)),
  );
  fc.assert(
    fc.property(scalar, scalar, scalar, fc.nat(5), (digest, r, s, recoveryId) => {
      const signature = concatBytes(r, s, Uint8Array.of(recoveryId));
      assert.equal(signerOf(suite, digest, signature), signerOf(nobleSuite, digest, signature));
    }),
    { numRuns: 300 },
  );
});

Deno.test("eth suite reads messages and signatures that are parts of larger buffers", () => {
  const [digest, signature] = SIGNATURES[1] ?? ["", ""];
  const frame = concatBytes(fromHex("aabbcc"), fromHex(digest), fromHex(signature), SECRET_KEY);
  const inner = { digest: frame.subarray(3, 35), signature: frame.subarray(35, 100) };
  assert.equal(signerOf(suite, inner.digest, inner.signature), ADDRESS);
  assert.equal(toHex(suite.sign(frame.subarray(100), inner.digest)), signature);
});

Deno.test("eth suite enciphers keys as kms.db holds them", () => {
  const passwordHash = fromHex("0eb05b553ac2946d1df7984ddf29aff7bc098437106601fb0c42cd1862c0bfce");
  const [key, iv] = [passwordHash.subarray(0, 16), passwordHash.subarray(16)];
  const encrypted = suite.keyCipher.encrypt(key, iv, SECRET_KEY);
  assert.equal(
    toHex(encrypted),
    "7a296e8c120ad646f5c43dad105ac505aaeacb2a3fbdc49b5bf539d3d08eb60f",
  );
  assert.deepEqual(suite.keyCipher.decrypt(key, iv, encrypted), SECRET_KEY);
});
