import assert from "node:assert/strict";
import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { EMPTY_PROGRAM, Program } from "../state/program.ts";
import { Frame, FramePools } from "./frame.ts";

Deno.test("FramePools keep nothing of what a call that was stopped ran with and on", () => {
  const pools = new FramePools();
  const frames = pools.take();
  const frame = new Frame(0);
  frames.push(frame);
  const large = new Uint8Array(1_000_000);
  const addresses = { address: 1, caller: 2, creates: null };
  const start = { ...addresses, program: new Program(large), input: large, value: 0, gas: 9 };
  frame.start({ ...start, isReadOnly: false }, frame.checkpoint);
  frame.memory.grow(0, large.length);
  frame.returnData = frame.output = large;
  pools.giveBack(frames);
  assert.deepEqual(pools.take(), [frame]);
  assert.equal(frame.memory.bytes.length, 0);
  assert.equal(frame.memory.size, 0);
  assert.equal(frame.program, EMPTY_PROGRAM);
  for (const bytes of [frame.input, frame.returnData, frame.output]) {
    assert.equal(bytes, EMPTY_BYTES);
  }
});
