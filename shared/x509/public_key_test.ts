import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import type { Bytes } from "../bytes/mod.ts";
import { encodeBitString, encodeDer, encodeInteger, encodeOid, sequence, TAG } from "./der.ts";
import { importPublicKey } from "./public_key.ts";

const derOf = (key: KeyObject): Bytes =>
  new Uint8Array(key.export({ format: "der", type: "spki" }));

const EC = derOf(generateKeyPairSync("ec", { namedCurve: "prime256v1" }).publicKey);
const ED25519 = derOf(generateKeyPairSync("ed25519").publicKey);
const RSA = derOf(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey);

/** An RSA key with such numbers; whether they make a key is no matter here. */
function rsaKey({ bits, exponent }: { readonly bits: number; readonly exponent: bigint }): Bytes {
  const algorithm = sequence(encodeOid("1.2.840.113549.1.1.1"), encodeDer(TAG.null));
  const modulus = encodeInteger(2n ** BigInt(bits) - 1n);
  return sequence(algorithm, encodeBitString(sequence(modulus, encodeInteger(exponent))));
}

Deno.test("importPublicKey() takes P-256, P-384, Ed25519 and RSA", () => {
  assert.equal(importPublicKey(EC)?.kind, "ec");
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
  assert.equal(importPublicKey(derOf(publicKey))?.kind, "ec");
  assert.equal(importPublicKey(ED25519)?.kind, "ed25519");
  assert.equal(importPublicKey(RSA)?.kind, "rsa");
  assert.equal(importPublicKey(rsaKey({ bits: 4096, exponent: 3n }))?.kind, "rsa");
});

Deno.test("importPublicKey() refuses other curves, sizes and exponents", () => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "secp224r1" });
  assert.equal(importPublicKey(derOf(publicKey)), null);
  for (const bits of [1024, 2047, 4097, 16384]) {
    assert.equal(importPublicKey(rsaKey({ bits, exponent: 65537n })), null, String(bits));
  }
  for (const exponent of [1n, 4n, 2n ** 33n + 1n, 2n ** 2000n + 1n]) {
    assert.equal(importPublicKey(rsaKey({ bits: 2048, exponent })), null, String(exponent));
  }
});

Deno.test("importPublicKey() refuses points that are compressed or on no curve", () => {
  const point = EC.subarray(-65);
  const compressed = Uint8Array.of(2, ...point.subarray(1, 33));
  const algorithm = EC.subarray(2, 23);
  assert.notEqual(importPublicKey(sequence(algorithm, encodeBitString(point))), null);
  assert.equal(importPublicKey(sequence(algorithm, encodeBitString(compressed))), null);
  assert.equal(importPublicKey(EC.with(60, (EC[60] ?? 0) ^ 1)), null);
});

Deno.test("importPublicKey() refuses a bit string of no whole bytes, at which Deno dies", () => {
  for (const [der, keySize] of [[EC, 65], [ED25519, 32], [RSA, 270]] as const) {
    const unusedBits = der.length - keySize - 1;
    assert.equal(der[unusedBits], 0);
    assert.equal(importPublicKey(der.with(unusedBits, 1)), null);
  }
});

Deno.test("importPublicKey() ends for damaged keys of every kind", () => {
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(EC, ED25519, RSA), damage, (der, changes) => {
      const damaged = der.slice();
      for (const { at, byte } of changes) damaged[at % der.length] = byte;
      importPublicKey(damaged);
    }),
    { numRuns: 3000 },
  );
});
