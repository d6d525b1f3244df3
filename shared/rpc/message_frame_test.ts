import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { FrameError, frameMessage, unframeMessage } from "./message_frame.ts";
import { RpcCode } from "./status.ts";

Deno.test("unframeMessage() puts any pieces of a frame together again", () => {
  const message = fc.uint8Array({ maxLength: 300 });
  const cuts = fc.array(fc.nat(305), { maxLength: 6 });
  fc.assert(fc.property(message, cuts, (message, cuts) => {
    const frame = frameMessage(message);
    const ends = [...cuts.filter((cut) => cut < frame.length), frame.length].sort((a, b) => a - b);
    const pieces = ends.map((end, index) => frame.subarray(ends[index - 1] ?? 0, end));
    const found = unframeMessage(pieces);
    assert.deepEqual(found, message);
    // a plain array: a Buffer's slice() would share memory
    assert.equal(found.constructor, Uint8Array);
  }));
});

Deno.test("unframeMessage() refuses what is not one whole message", () => {
  const frame = frameMessage(Uint8Array.of(1, 2, 3));
  const refused: readonly (readonly [Buffer[], RegExp])[] = [
    [[], /no message/],
    [[frame.subarray(0, 4)], /cut off/],
    [[frame.subarray(0, 7)], /cut off/],
    [[frame, Buffer.of(0)], /more than one/],
  ];
  for (const [pieces, text] of refused) {
    assert.throws(
      () => unframeMessage(pieces),
      (error) =>
        error instanceof FrameError && error.code === RpcCode.Internal && text.test(error.message),
    );
  }
  const compressed = Buffer.from(frame);
  compressed[0] = 1;
  assert.throws(
    () => unframeMessage([compressed]),
    (error) => error instanceof FrameError && error.code === RpcCode.Unimplemented,
  );
});
