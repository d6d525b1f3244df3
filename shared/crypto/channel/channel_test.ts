import { x25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import assert from "node:assert/strict";
import { type Bytes, fromHex, toHex } from "../../bytes/mod.ts";
import {
  AEAD_NONCE_SIZE,
  aeadKeySize,
  type AeadName,
  AGREEMENT_SEED_SIZE,
  type AgreementName,
  createAgreementKey,
  hmacOf,
  loadNodeKey,
  openAead,
  randomBytes,
  sealAead,
  sha256,
} from "../mod.ts";
import { loadNativeSignatures, NOBLE_SIGNATURES } from "./node_key.ts";

const UTF8 = new TextEncoder();

Deno.test("sealAead() gives the published results of AES-GCM and ChaCha20-Poly1305", () => {
  // test case 3 of the paper of GCM, without associated data, and RFC 8439 computed by OpenSSL
  const gcm = sealAead(
    {
      name: "AES-128-GCM",
      key: fromHex("feffe9928665731c6d6a8f9467308308"),
      nonce: fromHex("cafebabefacedbaddecaf888"),
    },
    fromHex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
    ),
  );
  assert.equal(
    toHex(gcm),
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
      "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985" +
      "4d5c2af327cd64a62cf35abd2ba6fab4",
  );
  const empty = sealAead({
    name: "AES-256-GCM",
    key: new Uint8Array(32),
    nonce: new Uint8Array(12),
  }, new Uint8Array(16));
  assert.equal(toHex(empty), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
});

for (const name of ["AES-128-GCM", "AES-256-GCM", "CHACHA20_POLY1305"] satisfies AeadName[]) {
  Deno.test(`openAead() opens what sealAead() sealed with ${name}, and nothing else`, () => {
    const use = { name, key: randomBytes(aeadKeySize(name)), nonce: randomBytes(AEAD_NONCE_SIZE) };
    for (const size of [0, 1, 16, 1_000]) {
      const plain = randomBytes(size);
      const sealed = sealAead(use, plain);
      assert.equal(sealed.length, size + 16);
      assert.deepEqual(new Uint8Array(openAead(use, sealed) ?? [1]), plain);
      assert.equal(openAead({ ...use, nonce: randomBytes(AEAD_NONCE_SIZE) }, sealed), null);
      for (let index = 0; index < sealed.length; index += 7) {
        const changed = sealed.slice();
        changed[index] = (changed[index] ?? 0) ^ 0x80;
        assert.equal(openAead(use, changed), null);
      }
    }
    assert.equal(openAead(use, new Uint8Array(15)), null);
  });
}

/** Points of X25519 that give zero whatever the secret key is. */
const LOW_ORDER_POINTS = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  `ec${"ff".repeat(30)}7f`,
];

Deno.test("X25519 refuses the points of low order and takes any other 32 bytes", () => {
  const key = createAgreementKey("X25519", randomBytes(AGREEMENT_SEED_SIZE));
  for (const point of LOW_ORDER_POINTS) assert.equal(key.agree(fromHex(point)), null);
  for (let count = 0; count < 100; count++) assert.equal(key.agree(randomBytes(32))?.length, 32);
});

Deno.test("createAgreementKey() makes the keys and secrets of noble", () => {
  const seed = randomBytes(AGREEMENT_SEED_SIZE);
  const secret = seed.slice(0, 32);
  const key = createAgreementKey("X25519", seed);
  assert.deepEqual(key.publicKey, x25519.getPublicKey(secret));
  const peer = x25519.getPublicKey(randomBytes(32));
  assert.deepEqual(key.agree(peer), x25519.getSharedSecret(secret, peer));
  for (const [name, curve, size] of [["P-256", p256, 48], ["P-384", p384, 72]] as const) {
    const secret = curve.utils.randomSecretKey(seed.slice(0, size));
    const key = createAgreementKey(name, seed);
    assert.deepEqual(key.publicKey, curve.getPublicKey(secret, false));
    const peer = curve.getPublicKey(curve.utils.randomSecretKey(), false);
    assert.deepEqual(key.agree(peer), curve.getSharedSecret(secret, peer).subarray(1));
    for (let index = 0; index < peer.length; index++) {
      const changed = peer.slice();
      changed[index] = (changed[index] ?? 0) ^ 4;
      assert.equal(key.agree(changed), null, "it is not on the curve");
    }
    assert.equal(key.agree(curve.getPublicKey(secret, true)), null, "it is compressed");
  }
});

for (const name of ["P-256", "P-384", "X25519"] satisfies AgreementName[]) {
  Deno.test(`${name}: both sides agree, keys that are none are refused`, () => {
    const [a, b] = [0, 1].map(() => createAgreementKey(name, randomBytes(AGREEMENT_SEED_SIZE)));
    assert(a !== undefined && b !== undefined);
    const secret = a.agree(b.publicKey);
    assert.deepEqual(secret, b.agree(a.publicKey));
    assert.equal(secret?.length, name === "P-384" ? 48 : 32);
    assert.equal(a.publicKey.length, { "P-256": 65, "P-384": 97, "X25519": 32 }[name]);
    for (const size of [0, 1, 32, 33, 65, 97]) {
      assert.equal(a.agree(new Uint8Array(size)), null, `${size} zeros`);
    }
  });
}

for (const [name, load] of [["native", loadNativeSignatures], ["none", failToLoad]] as const) {
  Deno.test(`loadNodeKey() signs and verifies as noble does, with the ${name} engine`, async () => {
    const secretKey = randomBytes(32).fill(7, 0, 1);
    const key = await loadNodeKey(secretKey, load);
    assert(key !== null);
    assert.equal(key.fallbackReason === null, name === "native");
    const { publicKey } = key;
    assert.equal(publicKey.length, 33);
    const digest = sha256(UTF8.encode("message"));
    const signature = key.sign(digest);
    assert.deepEqual(new Uint8Array(signature), NOBLE_SIGNATURES.sign(digest, secretKey));
    assert(key.verify({ publicKey, digest, signature }));
    const other = await loadNodeKey(new Uint8Array(32).fill(9));
    assert(other !== null);
    for (
      const change of [
        { digest: sha256(digest) },
        { signature: signature.subarray(1) },
        { signature: new Uint8Array(0) },
        { signature: new Uint8Array(1_000) },
        { signature: highS(signature) },
        { publicKey: new Uint8Array(33) },
        { publicKey: new Uint8Array(0) },
        { publicKey: other.publicKey },
      ]
    ) assert(!key.verify({ publicKey, digest, signature, ...change }), Object.keys(change).join());
  });
}

function failToLoad(): Promise<never> {
  return Promise.reject(new Error("there is no addon"));
}

/** The other signature of the same meaning, which is refused lest there be two. */
function highS(der: Bytes): Bytes {
  const { r, s } = secp256k1.Signature.fromBytes(der, "der");
  return new secp256k1.Signature(r, secp256k1.Point.Fn.neg(s)).toBytes("der");
}

Deno.test("loadNodeKey() takes no secret that is none", async () => {
  for (const secret of [new Uint8Array(32), new Uint8Array(31), new Uint8Array(32).fill(0xff)]) {
    assert.equal(await loadNodeKey(secret), null);
  }
});

Deno.test("hmacOf() gives the results of RFC 4231, test case 2", () => {
  const [key, text] = [UTF8.encode("Jefe"), UTF8.encode("what do ya want for nothing?")];
  assert.equal(
    toHex(hmacOf("SHA256", key, text)),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  assert.match(
    toHex(hmacOf("SHA512", key, text)),
    /^164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831f/,
  );
});
