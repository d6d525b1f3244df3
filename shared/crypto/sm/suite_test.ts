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
import { SM2_CURVE, SM2_SCALARS, Sm2Point } from "./curve.ts";
import { createDigest, hashIdentity } from "./digest.ts";
import { loadSmSuite } from "./suite.ts";
import type { Sm2Verifier } from "./verifier.ts";
import { SM2_MODULE } from "./wasm/module.ts";
import { loadWasmVerifier } from "./wasm/verifier.ts";

const { p: PRIME, n: ORDER } = SM2_CURVE;

// spec/storage_kms.md, C2 and C3
const UPSTREAM_KEY = fromHex("ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690");
const UPSTREAM_PUBLIC_KEY = fromHex(
  "ec1a47985dec9762d22b69b2406acefa5e5b9c07408b78b6164b0295c9177639" +
    "c9d3cce3cbb3fa45d5b8fff5252dee10f66b3967bdb37ddaecbb99ec417e2f3a",
);
const KEY_1 = fromHex("a7be3a5d56c5ca0c5a9aa57dcbaeeb836f7bb954e1c14a03cc19aadda322f2dd");
const PUBLIC_KEY_1 = fromHex(
  "d14e12386fad9f7c752747dd0508ea93b9037deb1ffeba2be04b13e419691d01" +
    "0a7af212156b72765ab7a2a6a54ea78330baba9813fe0127d4120768222d5771",
);
const ADDRESS_1 = "91ee14120f7045e4f246611b78d18a245059287a";
const MESSAGE = new Uint8Array(32).fill(0x11);
const SIGNATURE = concatBytes(
  fromHex(
    "3bc3900362f43e0fffa73101aa83e996dee66de6be96b1f12d6334e23dcf4327" +
      "dc72ac897ade4f1eaf93e60de6fde7bf2e61a90e8524f3165cc0c9936d8f9694",
  ),
  PUBLIC_KEY_1,
);

const suite = await loadSmSuite();

function signerOf(message: Bytes, signature: Bytes): string | number {
  const recovery = suite.recover(message, signature);
  return recovery.kind === "signer" ? toHex(recovery.address) : recovery.code;
}

function parts(signature: Bytes): { r: Bytes; s: Bytes; publicKey: Bytes } {
  return {
    r: signature.subarray(0, 32),
    s: signature.subarray(32, 64),
    publicKey: signature.subarray(64),
  };
}

/** Verifiers that must not be used, and what is said of them. */
const BROKEN: readonly (readonly [string, () => Promise<Sm2Verifier>, RegExp])[] = [
  [
    "is no module",
    () => loadWasmVerifier(fromHex("0061736d01000000ff")),
    /Cannot use the SM2 module/,
  ],
  ["cannot be loaded", () => Promise.reject(new Error("no memory")), /no memory/],
  ["throws", () => Promise.resolve({ implementation: "broken", recover: trap }), /unreachable/],
  [
    "accepts everything",
    () => Promise.resolve({ implementation: "broken", recover: acceptAll }),
    /wrong signature is accepted/,
  ],
  [
    "refuses everything",
    () => Promise.resolve({ implementation: "broken", recover: () => null }),
    /published signature is refused/,
  ],
  ["computes on another curve", loadModuleOfAnotherCurve, /published signature is refused/],
];

function trap(): never {
  throw new WebAssembly.RuntimeError("unreachable");
}

function acceptAll(_: Bytes, signature: Bytes): Bytes {
  return suite.addressOf(signature.subarray(64));
}

/** The module with one bit of b changed. */
function loadModuleOfAnotherCurve(): Promise<Sm2Verifier> {
  const module = SM2_MODULE.slice();
  const b = toHex(uintToBytes(SM2_CURVE.b, 32));
  const index = toHex(module).indexOf(b) / 2;
  assert(index > 0);
  module[index] = (module[index] ?? 0) ^ 1;
  return loadWasmVerifier(module);
}

Deno.test("loadSmSuite() runs on the module", () => {
  assert.equal(suite.implementation, "wasm");
  assert.equal(suite.fallbackReason, null);
});

for (const [fault, loadVerifier, reason] of BROKEN) {
  Deno.test(`loadSmSuite() falls back to noble when the verifier ${fault}`, async () => {
    const fallback = await loadSmSuite(loadVerifier);
    assert.equal(fallback.implementation, "noble");
    assert.match(fallback.fallbackReason ?? "", reason);
    const recovery = fallback.recover(MESSAGE, SIGNATURE);
    assert.equal(recovery.kind === "signer" && toHex(recovery.address), ADDRESS_1);
    const other = fallback.recover(Uint8Array.of(0x11), SIGNATURE);
    assert.deepEqual(other, { kind: "refused", code: StatusCode.SigCheckError });
  });
}

Deno.test("sm suite derives keys, addresses, ZA and e as recorded", () => {
  assert.deepEqual(suite.publicKeyOf(UPSTREAM_KEY), UPSTREAM_PUBLIC_KEY);
  assert.equal(
    toHex(suite.addressOf(UPSTREAM_PUBLIC_KEY)),
    "14a0d0eb5538d1c5cc69d0f54c18bafec75ba95c",
  );
  assert.deepEqual(suite.publicKeyOf(KEY_1), PUBLIC_KEY_1);
  assert.equal(toHex(suite.addressOf(PUBLIC_KEY_1)), ADDRESS_1);
  assert.equal(
    toHex(hashIdentity(suite.hash, UPSTREAM_PUBLIC_KEY)),
    "67a83d70dadeb3f542dc633c9cb3d1bd052570db7be32474fc471e922d6a9bb2",
  );
  assert.equal(
    toHex(hashIdentity(suite.hash, PUBLIC_KEY_1)),
    "5f5cb87ea172a709175ed80d2004aa335909efc2480d964f13393ac00fbf2794",
  );
  assert.equal(
    createDigest(suite.hash)(PUBLIC_KEY_1, MESSAGE),
    0x121fd655ce9bd5ce67e8bf57d80769dc1181063eb68adcc9b69666071b095931n,
  );
});

Deno.test("sm suite recovers the signers of recorded signatures", () => {
  assert.equal(signerOf(MESSAGE, SIGNATURE), ADDRESS_1);
  const library = fromHex(
    "b027c1d33771a1f693f07dec8d952b7c72afeff08fe3c05358610edbe8a1953e" +
      "99e911d3dc93381ba40c87e5c577ccbb855ea153ce25ef5022618c0af3c3bff3" +
      "0259e738b6e8a699ad38011a85fc59f35a83ed6c287d944e8401c9b6e8793d0a" +
      "71c19ebd9a5750eb4ca1bb68f9b42057c5f25666385197f44544f97e2f4472c1",
  );
  const message = new TextEncoder().encode("abcd".repeat(11));
  assert.equal(signerOf(message, library), toHex(suite.addressOf(library.subarray(64))));
  const transaction = fromHex("044a3ed42bb78bef15bc04ba93eddcdec91bc97ea7ec3413b8b800b497d53c16");
  const signature = fromHex(
    "45d8706357b732f4ccedd335c030d8e1b271279c270de48ae6017443fa37b5e9" +
      "edca85fe70d9c1fec3fe1042b7a7429caf50566b2a2d5e2f41dcc4b89f300c44",
  );
  assert.equal(signerOf(transaction, concatBytes(signature, PUBLIC_KEY_1)), ADDRESS_1);
});

Deno.test("sm suite refuses malformed signatures", () => {
  const { SigCheckError, SigLenError } = StatusCode;
  const { r, s, publicKey } = parts(SIGNATURE);
  for (const size of [0, 1, 65, 127, 129, 1000]) {
    assert.equal(signerOf(MESSAGE, new Uint8Array(size)), SigLenError);
  }
  const shifted = (scalar: Bytes) => bytesToUint(scalar) + ORDER;
  const cases = [
    new Uint8Array(128),
    new Uint8Array(128).fill(0xff),
    concatBytes(new Uint8Array(32), s, publicKey),
    concatBytes(r, new Uint8Array(32), publicKey),
    concatBytes(uintToBytes(ORDER, 32), s, publicKey),
    concatBytes(r, uintToBytes(ORDER, 32), publicKey),
    // r + s = n
    concatBytes(r, uintToBytes(ORDER - bytesToUint(r), 32), publicKey),
    // valid but for the public key
    concatBytes(r, s, UPSTREAM_PUBLIC_KEY),
    concatBytes(r, s, new Uint8Array(64)),
    concatBytes(r, s, uintToBytes(PRIME, 32), publicKey.subarray(32)),
    concatBytes(r, s, publicKey.subarray(0, 32), uintToBytes(2n ** 256n - 1n, 32)),
  ];
  if (shifted(r) < 2n ** 256n) cases.push(concatBytes(uintToBytes(shifted(r), 32), s, publicKey));
  for (const bad of cases) assert.equal(signerOf(MESSAGE, bad), SigCheckError, toHex(bad));
  assert.equal(signerOf(Uint8Array.of(0x11), SIGNATURE), SigCheckError);
});

Deno.test("sm suite refuses every signature with one bit changed, also of a well-known key", () => {
  for (let i = 0; i < 6; i++) assert.equal(signerOf(MESSAGE, SIGNATURE), ADDRESS_1);
  fc.assert(
    fc.property(fc.nat(128 * 8 - 1), (bit) => {
      const changed = SIGNATURE.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(signerOf(MESSAGE, changed), StatusCode.SigCheckError);
    }),
    { numRuns: 60 },
  );
  assert.equal(signerOf(MESSAGE, SIGNATURE), ADDRESS_1);
});

Deno.test("sm suite recovers what it signed, for messages of any length", () => {
  const secretKeys = fc.bigInt({ min: 1n, max: ORDER - 2n }).map((scalar) =>
    uintToBytes(scalar, 32)
  );
  fc.assert(
    fc.property(secretKeys, fc.uint8Array({ maxLength: 200 }), (secretKey, message) => {
      assert(suite.canSign(message));
      const address = toHex(suite.addressOf(suite.publicKeyOf(secretKey)));
      assert.equal(signerOf(message, suite.sign(secretKey, message)), address);
    }),
    { numRuns: 30 },
  );
});

Deno.test("sm suite gives the same answer whether or not the key has a table", () => {
  const secretKey = suite.generateSecretKey();
  const address = toHex(suite.addressOf(suite.publicKeyOf(secretKey)));
  for (let i = 0; i < 12; i++) {
    const message = Uint8Array.of(i);
    const signature = suite.sign(secretKey, message);
    assert.equal(signerOf(message, signature), address);
    assert.equal(signerOf(Uint8Array.of(i, 0), signature), StatusCode.SigCheckError);
  }
});

Deno.test("sm suite never signs twice with the same r", () => {
  const first = suite.sign(KEY_1, MESSAGE);
  const second = suite.sign(KEY_1, MESSAGE);
  assert.notDeepEqual(parts(first).r, parts(second).r);
});

Deno.test("sm suite knows usable secret keys", () => {
  for (const scalar of [1n, 2n, ORDER - 2n]) assert(suite.isSecretKey(uintToBytes(scalar, 32)));
  for (const scalar of [0n, ORDER - 1n, ORDER, 2n ** 256n - 1n]) {
    assert(!suite.isSecretKey(uintToBytes(scalar, 32)));
  }
  assert(!suite.isSecretKey(new Uint8Array(33).fill(1)));
  assert(suite.isSecretKey(suite.generateSecretKey()));
});

Deno.test("SM2_CURVE has its generator on the curve and the stated order", () => {
  Sm2Point.BASE.assertValidity();
  const almost = Sm2Point.BASE.multiplyUnsafe(SM2_SCALARS.ORDER - 1n);
  assert(almost.add(Sm2Point.BASE).is0());
});
