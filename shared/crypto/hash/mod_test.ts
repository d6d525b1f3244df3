import assert from "node:assert/strict";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { toHex } from "../../bytes/mod.ts";
import { loadKeccak256, loadSm3 } from "./mod.ts";

const sm3 = await loadSm3();
const keccak256 = await loadKeccak256();
const bytesOf = (text: string) => new TextEncoder().encode(text);

// spec/storage_kms.md, C1
const SM3_VECTORS: readonly (readonly [text: string, hash: string])[] = [
  ["", "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"],
  ["abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"],
  ["\0", "2daef60e7a0b8f5e024c81cd2ab3109f2b4f155cf83adeb2ae5532f74a157fdf"],
  ["message digest", "c522a942e89bd80d97dd666e7a5531b36188c9817149e9b258dfe51ece98ed77"],
  ["a".repeat(55), "288337eef51eec62e7544d7270424c8dbe656254c99852870a73b2453a6a7fb1"],
  ["a".repeat(56), "ba00ebedaab54065a5fd4f9f56326016203166bcee3eed44ea868d59d67aa3c8"],
  ["a".repeat(64), "616ec433c359e7c2b19f360e2b8f2a1b6e9ed76b8dc1a7d207b31a5341c611e9"],
  ["rivtower", "39ad9832dad1e615faf8eebe25459392c75e449ac9b9616edf2d721649bad247"],
  ["123456Matthew 5-13", "4189679083141ec2f62b4f62ace20c7cbdb9bf257fd6bfbc29293767c77bf544"],
];

const KECCAK_VECTORS: readonly (readonly [text: string, hash: string])[] = [
  ["", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"],
  ["rivtower", "706b3416b3719437a4d84d09368727d5e260cf2c408e1095e31ccec801a9c5a9"],
  ["123456Matthew 5-13", "0eb05b553ac2946d1df7984ddf29aff7bc098437106601fb0c42cd1862c0bfce"],
];

Deno.test("loadSm3() hashes as recorded", () => {
  for (const [text, hash] of SM3_VECTORS) assert.equal(toHex(sm3(bytesOf(text))), hash);
});

Deno.test("loadKeccak256() hashes as recorded", () => {
  for (const [text, hash] of KECCAK_VECTORS) assert.equal(toHex(keccak256(bytesOf(text))), hash);
});

Deno.test("loadKeccak256() agrees with noble on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (data) => {
      assert.deepEqual(keccak256(data), Uint8Array.from(keccak_256(data)));
    }),
    { numRuns: 100 },
  );
});

Deno.test("hash functions give fresh arrays and read parts of larger buffers", () => {
  const frame = bytesOf("..rivtower..");
  for (
    const [hash, text] of [[sm3, SM3_VECTORS[7]?.[1]], [keccak256, KECCAK_VECTORS[1]?.[1]]] as const
  ) {
    const first = hash(frame.subarray(2, 10));
    const copy = first.slice();
    hash(frame);
    assert.deepEqual(first, copy);
    assert.equal(toHex(first), text);
    assert.equal(first.buffer.byteLength, 32);
  }
});

Deno.test("hash functions take 20 MB at once", () => {
  const large = new Uint8Array(20_000_000);
  assert.equal(sm3(large).length, 32);
  assert.deepEqual(keccak256(large.subarray(0, 1_000_000)), keccak256(new Uint8Array(1_000_000)));
});
