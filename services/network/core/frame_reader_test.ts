import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concatBytes, toHex, u32be } from "../../../shared/bytes/mod.ts";
import { FrameReader } from "./frame_reader.ts";
import { ConnectionMemory, MemoryBudget } from "./memory_budget.ts";

function reader(sizeMax: number): FrameReader {
  return new FrameReader({ sizeMax, memory: new ConnectionMemory(new MemoryBudget(2 ** 30)) });
}

function framesOf(reader: FrameReader, chunk: Bytes): (Bytes | string)[] {
  const frames: (Bytes | string)[] = [];
  reader.push(chunk);
  for (;;) {
    const frame = reader.next();
    if (frame === null) return frames;
    frames.push(frame);
    if (typeof frame === "string") return frames;
  }
}

Deno.test("FrameReader finds the frames however the bytes are cut", () => {
  const sizes = fc.array(fc.oneof(fc.nat(5), fc.nat(200_000)), { maxLength: 5 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(400_000), { maxLength: 12 }), (frameSizes, cuts) => {
      const wanted = frameSizes.map((size, index) => new Uint8Array(size).fill(index + 1));
      const bytes = concatBytes(...wanted.flatMap((frame) => [u32be(frame.length), frame]));
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const cut = reader(200_000);
      const frames = places.flatMap((place, index) =>
        framesOf(cut, bytes.slice(place, places[index + 1] ?? place))
      );
      assert.equal(frames.length, wanted.length);
      for (const [index, frame] of frames.entries()) {
        assert(typeof frame !== "string" && toHex(frame) === toHex(wanted[index] ?? frame));
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("FrameReader accepts the largest frame and refuses a larger one by its prefix", () => {
  assert.deepEqual(framesOf(reader(3), concatBytes(u32be(3), new Uint8Array(3))), [
    new Uint8Array(3),
  ]);
  assert.deepEqual(framesOf(reader(3), u32be(4)), ["msg too large: frame of 4 bytes exceeds 3"]);
  assert.deepEqual(framesOf(reader(2 ** 24), u32be(0xffffffff)), [
    "msg too large: frame of 4294967295 bytes exceeds 16777216",
  ]);
});

Deno.test("FrameReader takes memory for what arrived, not for what was announced", () => {
  const memory = new ConnectionMemory(new MemoryBudget(2 ** 40));
  const bombed = new FrameReader({ sizeMax: 2 ** 32, memory });
  assert.deepEqual(framesOf(bombed, concatBytes(u32be(2 ** 31), new Uint8Array(1_000))), []);
  assert.equal(memory.used, 65_536);
  for (let size = 1_000; size < 1_000_000; size += 1_000) {
    assert.deepEqual(framesOf(bombed, new Uint8Array(1_000)), []);
    assert(memory.used <= Math.max(65_536, 4 * (size + 1_000)));
  }
  bombed.clear();
  assert.equal(memory.used, 0);
});

Deno.test("FrameReader gives views of the chunk for whole frames", () => {
  const chunk = concatBytes(u32be(2), new Uint8Array([1, 2]));
  const [frame] = framesOf(reader(10), chunk);
  assert(frame instanceof Uint8Array && frame.buffer === chunk.buffer);
});

Deno.test("FrameReader says that memory is the reason, and goes on where it was after busy", () => {
  const budget = new MemoryBudget(1_000);
  const limits = { sizeMax: 2_000, memory: new ConnectionMemory(budget) };
  const start = concatBytes(u32be(800), new Uint8Array(1));
  const [small, large, other] = [1, 2, 3].map(() => new FrameReader(limits));
  assert(small !== undefined && large !== undefined && other !== undefined);
  const huge = framesOf(new FrameReader(limits), concatBytes(u32be(1_500), new Uint8Array(1_400)));
  assert.match(String(huge[0]), /^no memory for a frame of 1500 bytes/);
  assert.deepEqual([small, large].flatMap((reader) => framesOf(reader, start)), []);
  assert.deepEqual(framesOf(other, start), ["busy"]);
  assert(other.isUnfinished);
  assert.deepEqual(framesOf(large, new Uint8Array(799)), [new Uint8Array(800)]);
  assert.equal(other.next(), null);
  assert.deepEqual(framesOf(other, new Uint8Array(799)), [new Uint8Array(800)]);
  assert(!other.isUnfinished);
});
