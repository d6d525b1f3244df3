import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concatBytes, toHex, u32be } from "../../../../shared/bytes/mod.ts";
import { FrameReader } from "./frame_reader.ts";

function framesOf(reader: FrameReader, chunk: Bytes): (Bytes | number)[] {
  const frames: (Bytes | number)[] = [];
  reader.push(chunk);
  for (;;) {
    const frame = reader.next();
    if (frame === null) return frames;
    frames.push(frame);
    if (typeof frame === "number") return frames;
  }
}

Deno.test("FrameReader finds the frames however the bytes are cut", () => {
  const sizes = fc.array(fc.oneof(fc.nat(5), fc.nat(200_000)), { maxLength: 5 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(400_000), { maxLength: 12 }), (frameSizes, cuts) => {
      const wanted = frameSizes.map((size, index) => new Uint8Array(size).fill(index + 1));
      const bytes = concatBytes(...wanted.flatMap((frame) => [u32be(frame.length), frame]));
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const reader = new FrameReader(200_000);
      const frames = places.flatMap((place, index) =>
        framesOf(reader, bytes.slice(place, places[index + 1] ?? place))
      );
      assert.equal(frames.length, wanted.length);
      for (const [index, frame] of frames.entries()) {
        assert(typeof frame !== "number" && toHex(frame) === toHex(wanted[index] ?? frame));
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("FrameReader accepts the largest frame and refuses a larger one by its prefix", () => {
  assert.deepEqual(framesOf(new FrameReader(3), concatBytes(u32be(3), new Uint8Array(3))), [
    new Uint8Array(3),
  ]);
  assert.deepEqual(framesOf(new FrameReader(3), u32be(4)), [4]);
  assert.deepEqual(framesOf(new FrameReader(2 ** 24), u32be(0xffffffff)), [0xffffffff]);
});

Deno.test("FrameReader takes memory for what arrived, not for what was announced", () => {
  const reader = new FrameReader(2 ** 32);
  const before = Deno.memoryUsage().external;
  assert.deepEqual(framesOf(reader, concatBytes(u32be(2 ** 31), new Uint8Array(1_000))), []);
  assert(Deno.memoryUsage().external - before < 2 ** 24);
});

Deno.test("FrameReader gives views of the chunk for whole frames", () => {
  const chunk = concatBytes(u32be(2), new Uint8Array([1, 2]));
  const [frame] = framesOf(new FrameReader(10), chunk);
  assert(frame instanceof Uint8Array && frame.buffer === chunk.buffer);
});
