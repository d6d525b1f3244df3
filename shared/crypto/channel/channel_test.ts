import assert from "node:assert/strict";
import { fromHex, toHex } from "../../bytes/mod.ts";
import {
  AEAD_NONCE_SIZE,
  aeadKeySize,
  type AeadName,
  AGREEMENT_SEED_SIZE,
  type AgreementName,
  createAgreementKey,
  createNodeKey,
  hmacOf,
  isSignedByNode,
  openAead,
  randomBytes,
  sealAead,
  sha256,
} from "../mod.ts";

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

Deno.test("createNodeKey() signs as isSignedByNode() demands", () => {
  const key = createNodeKey(new Uint8Array(32).fill(7));
  assert(key !== null);
  assert.equal(key.publicKey.length, 33);
  const digest = sha256(UTF8.encode("message"));
  const signature = key.sign(digest);
  assert.equal(signature[0], 0x30, "DER");
  assert(isSignedByNode(key.publicKey, digest, signature));
  assert(!isSignedByNode(key.publicKey, sha256(digest), signature));
  assert(!isSignedByNode(key.publicKey, digest, signature.subarray(1)));
  assert(!isSignedByNode(new Uint8Array(33), digest, signature));
  for (const secret of [new Uint8Array(32), new Uint8Array(31), new Uint8Array(32).fill(0xff)]) {
    assert.equal(createNodeKey(secret), null);
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
