import assert from "node:assert/strict";
import fc from "fast-check";
import { NetworkMsg } from "../../proto/gen/network.ts";
import { concatBytes, fromHex, toHex, u32be } from "../../shared/bytes/mod.ts";
import { encode, useStrictUtf8 } from "../../shared/codec/mod.ts";
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
