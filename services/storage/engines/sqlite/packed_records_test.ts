import assert from "node:assert/strict";
import fc from "fast-check";
import { packRecords, unpackRecords } from "./packed_records.ts";

Deno.test("unpackRecords() gives what packRecords() was given", () => {
  const record = fc.record({
    region: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    key: fc.uint8Array({ maxLength: 9 }),
    value: fc.uint8Array({ maxLength: 40 }),
  }, { noNullPrototype: true });
  fc.assert(fc.property(fc.array(record), (records) => {
    assert.deepEqual([...unpackRecords(packRecords(records))], records);
  }));
});
