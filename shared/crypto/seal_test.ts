import assert from "node:assert/strict";
import fc from "fast-check";
import { argon2id } from "@noble/hashes/argon2.js";
import { fromHex, toHex } from "../bytes/mod.ts";
import { derivePasswordKey, generatePasswordSalt, seal, unseal } from "./mod.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = fc.uint8Array({ maxLength: 100 });

Deno.test("unseal() gives back what seal() took, for the same key and context only", () => {
  fc.assert(fc.property(key, bytes, bytes, fc.nat(), (key, plain, context, at) => {
    const sealed = seal(key, plain, context);
    assert.equal(sealed.length, plain.length + 40);
    assert.deepEqual(unseal(key, sealed, context), plain);
    assert.equal(unseal(key, sealed, Uint8Array.of(...context, 0)), null);
    for (const changed of [sealed.slice(), key.slice()]) {
      const index = at % changed.length;
      changed[index] = (changed[index] ?? 0) ^ (1 << (at % 8));
      const opened = changed.length === sealed.length
        ? unseal(key, changed, context)
        : unseal(changed, sealed, context);
      assert.equal(opened, null);
    }
    assert.notDeepEqual(seal(key, plain, context), sealed);
  }));
});

Deno.test("unseal() refuses bytes that nobody sealed, whatever their number", () => {
  fc.assert(fc.property(key, bytes, bytes, (key, sealed, context) => {
    assert.equal(unseal(key, sealed, context), null);
  }));
});

Deno.test("unseal() reads XChaCha20-Poly1305 of the draft that defines it", () => {
  // draft-irtf-cfrg-xchacha-03, A.3.1
  const plain =
    "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20" +
    "4966204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675" +
    "747572652c2073756e73637265656e20776f756c642062652069742e";
  const context = fromHex("50515253c0c1c2c3c4c5c6c7");
  const key = fromHex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const nonce = "404142434445464748494a4b4c4d4e4f5051525354555657";
  const encrypted =
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa644" +
    "0bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2b" +
    "c369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";
  assert.equal(toHex(unseal(key, fromHex(nonce + encrypted), context) ?? new Uint8Array()), plain);
});

Deno.test("derivePasswordKey() is Argon2id as noble computes it", async () => {
  const salt = generatePasswordSalt();
  for (const [memoryKib, passes, lanes] of [[64, 1, 1], [256, 3, 4]] as const) {
    for (const password of ["x", "correct horse", "钥匙 \0 é"]) {
      const cost = { memoryKib, passes, lanes };
      const expected = argon2id(password, salt, { m: memoryKib, t: passes, p: lanes, dkLen: 32 });
      assert.deepEqual(await derivePasswordKey(password, salt, cost), expected);
    }
  }
});
