import assert from "node:assert/strict";
import fc from "fast-check";
import { NetworkMsg } from "../../proto/gen/network.ts";
import {
  type Bytes,
  concatBytes,
  fromHex,
  joinBytes,
  toHex,
  u32be,
} from "../../shared/bytes/mod.ts";
import { SYSTEM_CLOCK } from "../../shared/clock/mod.ts";
import { BinaryWriter, encode, tryDecode, useStrictUtf8 } from "../../shared/codec/mod.ts";
import { decodeMessage, encodeFrame, joinFrame } from "./frame.ts";
import { loadTapCalls } from "./testing/wire_vectors.ts";

Deno.test("encodeFrame() writes the vector of spec/network.md 10", () => {
  const frame = encodeFrame({
    module: "controller",
    type: "send_tx",
    origin: 0n,
    msg: new Uint8Array([1]),
  });
  const message = "0a0a636f6e74726f6c6c65721207" + "73656e645f7478220101";
  assert.equal(toHex(joinFrame(frame)), `00000018${message}`);
});

Deno.test("encodeFrame() is the canonical encoding with its length, for every size", () => {
  const size = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 4_096, 4_097, 16_383, 16_384, 3e6));
  const message = fc.record({
    module: fc.string({ unit: "grapheme" }),
    type: fc.string(),
    origin: fc.bigInt(0n, 2n ** 64n - 1n),
    msg: size.map((length) => new Uint8Array(length).fill(7)),
  });
  fc.assert(fc.property(message, (value) => {
    const canonical = encode(NetworkMsg, value);
    const frame = encodeFrame(value);
    assert.deepEqual(joinFrame(frame), concatBytes(u32be(canonical.length), canonical));
    assert.equal(frame.size, canonical.length + 4);
  }));
});

Deno.test("encodeFrame() does not copy a large payload", () => {
  const msg = new Uint8Array(100_000);
  assert.equal(encodeFrame({ module: "m", type: "", origin: 0n, msg }).parts[1], msg);
});

Deno.test("encodeFrame() repeats every message that Rust modules sent, byte for byte", async () => {
  let count = 0;
  for (const { method, request_hex } of await loadTapCalls()) {
    if (!/SendMsg|Broadcast/.test(method)) continue;
    const message = decodeMessage(fromHex(request_hex));
    assert(message !== null);
    assert.equal(toHex(joinFrame(encodeFrame(message)).subarray(4)), request_hex);
    count += 1;
  }
  assert.equal(count, 614);
});

Deno.test("decodeMessage() gives null for malformed bytes", () => {
  useStrictUtf8();
  assert.deepEqual(decodeMessage(fromHex(""))?.module, "");
  for (const hex of ["0a", "0aff", "0a02c328", "18ffffffffffffffffffff", "ffffffff", "2205"]) {
    assert.equal(decodeMessage(fromHex(hex)), null, hex);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
    decodeMessage(bytes);
  }));
});

/** A field on the wire, whatever its number. */
const anyField = fc.record({
  number: fc.oneof(fc.integer({ min: 5, max: 40 }), fc.constant(2 ** 29 - 1)),
  wireType: fc.constantFrom(0, 1, 2, 5),
  value: fc.bigInt(0n, 2n ** 64n - 1n),
  bytes: fc.uint8Array({ maxLength: 300 }),
}).map(({ number, wireType, value, bytes }) => {
  const writer = new BinaryWriter().uint32(number * 8 + wireType);
  if (wireType === 0) return writer.uint64(value).finish();
  if (wireType === 1) return writer.fixed64(value).finish();
  return (wireType === 2 ? writer.bytes(bytes) : writer.fixed32(bytes.length)).finish();
});

/** One of the four known fields. */
const knownField = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }).map((module) => ({ module })),
  fc.string({ unit: "grapheme", maxLength: 60 }).map((type) => ({ type })),
  fc.bigInt(0n, 2n ** 64n - 1n).map((origin) => ({ origin })),
  fc.uint8Array({ maxLength: 300 }).map((msg) => ({ msg })),
).map((field) => encode(NetworkMsg, NetworkMsg.fromPartial(field)))
  .filter((bytes) => bytes.length < 258);

Deno.test("decodeMessage() reads up to 16 fields in any order as the generated codec does", () => {
  useStrictUtf8();
  const fields = fc.array(fc.oneof(knownField, anyField), { maxLength: 16, size: "max" });
  fc.assert(fc.property(fields, (parts) => {
    const bytes = joinBytes(parts);
    const expected = tryDecode(NetworkMsg, bytes);
    assert(expected !== null);
    assert.deepEqual(decodeMessage(bytes), expected);
    // cut off anywhere, it is malformed for both or for none
    for (const size of [bytes.length - 1, bytes.length >> 1]) {
      const cut = bytes.subarray(0, Math.max(0, size));
      assert.deepEqual(decodeMessage(cut), tryDecode(NetworkMsg, cut));
    }
  }));
});

Deno.test("decodeMessage() does not copy the payload", () => {
  const bytes = encode(NetworkMsg, { module: "m", type: "t", origin: 1n, msg: new Uint8Array(9) });
  assert.equal(decodeMessage(bytes)?.msg.buffer, bytes.buffer);
});

Deno.test("decodeMessage() takes 16 fields and names of 256 bytes, and no more", () => {
  const named = (size: number) => {
    const name = "n".repeat(size);
    return [{ module: name }, { type: name }].map((field) =>
      decodeMessage(encode(NetworkMsg, NetworkMsg.fromPartial(field)))
    );
  };
  assert(named(256).every((message) => message !== null));
  assert.deepEqual(named(257), [null, null]);
  for (const field of ["1801", "2801", "0a00", "2d00000000"]) {
    assert.notEqual(decodeMessage(fromHex(field.repeat(16))), null, field);
    assert.equal(decodeMessage(fromHex(field.repeat(17))), null, field);
  }
});

Deno.test("decodeMessage() spends no time on a large message of nothing but fields", () => {
  const filled = (hex: string): Bytes => {
    const bytes = new Uint8Array(64 * 1024 * 1024);
    const pattern = fromHex(hex);
    bytes.set(pattern);
    for (let size = pattern.length; size < bytes.length; size *= 2) {
      bytes.copyWithin(size, 0, Math.min(size, bytes.length - size));
    }
    return bytes;
  };
  // a known field, an unknown one, a group with fields, a varint without end
  const messages = ["0a00", "2800", "2b" + "2800".repeat(7), "28" + "ff".repeat(7)].map(filled);
  messages.push(filled("30ff".repeat(4)).fill(0xff, 1));
  const startMs = SYSTEM_CLOCK.monotonicMs();
  for (const bytes of messages) assert.equal(decodeMessage(bytes), null);
  assert(SYSTEM_CLOCK.monotonicMs() - startMs < 100);
});
