import assert from "node:assert/strict";
import fc from "fast-check";
import { u64be } from "../../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../../shared/clock/mod.ts";
import {
  encodeProgress,
  nextIntervalMs,
  nextToCopy,
  nextToRemove,
  readProgress,
} from "./backup_plan.ts";

const height = fc.bigInt({ min: 0n, max: 40n });
const heightOrNone = fc.option(height);

Deno.test("readProgress() reads what encodeProgress() writes, and the older form", () => {
  assert.equal(encodeProgress(7n).length, 12);
  assert.equal(readProgress(encodeProgress(7n)), 7n);
  assert.equal(readProgress(u64be(7n)), 7n);
  assert.equal(readProgress(new Uint8Array(9)), null);
});

Deno.test("nextToCopy() goes block by block from the first to the one before the last", () => {
  fc.assert(fc.property(heightOrNone, height, (copiedUpTo, localHeight) => {
    const next = nextToCopy(copiedUpTo, localHeight);
    const wanted = copiedUpTo === null ? 0n : copiedUpTo + 1n;
    assert.equal(next, wanted <= localHeight - 1n ? wanted : null);
  }));
});

Deno.test("nextToRemove() removes in order, only what is copied and beyond the capacity", () => {
  fc.assert(
    fc.property(heightOrNone, height, height, heightOrNone, (removed, local, capacity, copied) => {
      const state = { removedUpTo: removed, localHeight: local, capacity, copiedUpTo: copied };
      const next = nextToRemove(state);
      if (next === null) return;
      assert.equal(next, removed === null ? 0n : removed + 1n);
      assert(copied !== null && next <= copied);
      assert(local - next >= capacity);
    }),
  );
  const state = { removedUpTo: 4n, localHeight: 10n, capacity: 5n, copiedUpTo: 9n };
  assert.equal(nextToRemove(state), 5n);
  assert.equal(nextToRemove({ ...state, removedUpTo: 5n }), null);
});

Deno.test("nextIntervalMs() is within a third of the interval", () => {
  const random = seededRandom(1);
  const times = Array.from({ length: 1000 }, () => nextIntervalMs(300, random));
  assert(Math.min(...times) >= 200 && Math.min(...times) < 210);
  assert(Math.max(...times) <= 400 && Math.max(...times) > 390);
});
