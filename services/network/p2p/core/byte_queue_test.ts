import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, concatBytes } from "../../../../shared/bytes/mod.ts";
import { ByteQueue } from "./byte_queue.ts";

Deno.test("ByteQueue gives back what was pushed, whatever the sizes", () => {
  const step = fc.record({ push: fc.uint8Array({ maxLength: 20 }), take: fc.nat(30) });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const queue = new ByteQueue();
    const pushed: Bytes[] = [];
    const taken: Bytes[] = [];
    for (const { push, take } of steps) {
      queue.push(push);
      pushed.push(push);
      const size = queue.size;
      const count = queue.take(take, taken);
      assert.equal(count, Math.min(take, size));
      assert.equal(queue.size, size - count);
    }
    queue.take(queue.size, taken);
    assert.deepEqual(concatBytes(...taken), concatBytes(...pushed));
  }));
});

Deno.test("ByteQueue keeps working over many parts and does not copy them", () => {
  const queue = new ByteQueue();
  const parts = Array.from({ length: 5_000 }, (_, index) => new Uint8Array([index]));
  for (const part of parts) queue.push(part);
  const taken: Bytes[] = [];
  for (let left = parts.length; left > 0;) left -= queue.take(3, taken);
  assert(taken.every((part, index) => part === parts[index]));
});
