import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bytesToUint,
  concatBytes,
  EMPTY_BYTES,
  equalBytes,
  equalSecrets,
  fromHex,
  isZero,
  parseHex,
  readU32be,
  readU64be,
  to0xHex,
  toHex,
  u32be,
  u64be,
  uintToBytes,
} from "./mod.ts";

const bytes = fc.uint8Array({ maxLength: 40 });

Deno.test("parseHex() reads what toHex() and to0xHex() write", () => {
  fc.assert(fc.property(bytes, (value) => {
    assert.deepEqual(parseHex(toHex(value)), value);
    assert.deepEqual(parseHex(to0xHex(value).toUpperCase()), value);
  }));
});

Deno.test("parseHex() refuses odd lengths and other characters, fromHex() throws", () => {
  for (const text of ["0", "0x0", "0g", "0x 1", "é1", "0x0x"]) {
    assert.equal(parseHex(text), null, text);
    assert.throws(() => fromHex(text), TypeError);
  }
  assert.deepEqual(parseHex("0x"), EMPTY_BYTES);
});

Deno.test("u64be() and u32be() are big-endian and read back", () => {
  assert.equal(toHex(u64be(0x0102030405060708n)), "0102030405060708");
  assert.equal(toHex(u32be(0x01020304)), "01020304");
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
    assert.equal(readU64be(concatBytes(new Uint8Array(3), u64be(value)), 3), value);
  }));
  assert.equal(readU32be(u32be(2 ** 32 - 1)), 2 ** 32 - 1);
  assert.throws(() => readU64be(new Uint8Array(7)), RangeError);
});

Deno.test("uintToBytes() fits exactly or throws, bytesToUint() reads it", () => {
  assert.equal(toHex(uintToBytes(0x1234n, 4)), "00001234");
  assert.throws(() => uintToBytes(256n, 1), RangeError);
  assert.throws(() => uintToBytes(-1n, 1), RangeError);
  assert.equal(bytesToUint(EMPTY_BYTES), 0n);
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
    assert.equal(bytesToUint(uintToBytes(value, 32)), value);
  }));
});

Deno.test("equalBytes() and equalSecrets() agree with the hex texts", () => {
  fc.assert(fc.property(bytes, bytes, (left, right) => {
    const isEqual = toHex(left) === toHex(right);
    assert.equal(equalBytes(left, right), isEqual);
    assert.equal(equalSecrets(left, right), isEqual);
    assert(equalSecrets(left, left.slice()));
  }));
});

Deno.test("isZero() holds for zeros of any length", () => {
  assert(isZero(EMPTY_BYTES));
  assert(isZero(new Uint8Array(33)));
  assert(!isZero(fromHex("000001")));
});
