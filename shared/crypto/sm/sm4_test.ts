import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../bytes/mod.ts";
import { encryptSm4Block, SM4_CFB } from "./sm4.ts";

// GB/T 32907, annex A: key and plain text are the same
const EXAMPLE = fromHex("0123456789abcdeffedcba9876543210");

Deno.test("encryptSm4Block() gives the example of the standard", () => {
  assert.equal(toHex(encryptSm4Block(EXAMPLE, EXAMPLE)), "681edf34d206965e86b3e94f536e4246");
});

Deno.test("encryptSm4Block() gives the same as OpenSSL after a thousand rounds", () => {
  let block = EXAMPLE;
  // CBC over zero blocks: openssl enc -sm4-cbc -nopad -K $KEY -iv $KEY, the last block of 1000
  for (let i = 0; i < 1000; i++) block = encryptSm4Block(EXAMPLE, block);
  assert.equal(toHex(block), "d735e91cc5689cf312bcc1efb740e813");
});

Deno.test("SM4_CFB enciphers keys as kms.db holds them", () => {
  const passwordHash = fromHex("4189679083141ec2f62b4f62ace20c7cbdb9bf257fd6bfbc29293767c77bf544");
  const [key, iv] = [passwordHash.subarray(0, 16), passwordHash.subarray(16)];
  const plain = fromHex("ed391472f4ecd53a398b5bac8044afbe27dca9ad356823a723609488b1f31690");
  const encrypted = SM4_CFB.encrypt(key, iv, plain);
  assert.equal(
    toHex(encrypted),
    "3633dbec44b3be278eb6a468956911612ee1e503e548ecf592ed4a099045ed21",
  );
});

Deno.test("SM4_CFB decrypts what it encrypted, of any length", () => {
  const block = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(block, block, fc.uint8Array({ maxLength: 70 }), (key, iv, plain) => {
      const encrypted = SM4_CFB.encrypt(key, iv, plain);
      assert.deepEqual(SM4_CFB.decrypt(key, iv, encrypted), plain);
    }),
    { numRuns: 50 },
  );
});
