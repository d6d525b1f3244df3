import assert from "node:assert/strict";
import fc from "fast-check";
import { type Bytes, toHex, u64be } from "../../../../shared/bytes/mod.ts";
import { Region } from "../../regions.ts";
import { RecentRecords } from "./recent_records.ts";

const VALUE = Uint8Array.of(1, 2);

function blockAt(height: number) {
  const key = u64be(BigInt(height));
  const regions = [Region.Proof, Region.CompactBlock];
  return { puts: regions.map((region) => ({ region, key, value: VALUE })), deletes: [] };
}

Deno.test("RecentRecords knows the records of the last blocks, as copies", () => {
  const recent = new RecentRecords({ blocksMax: 2, bytesMax: 1e6 });
  for (const height of [1, 2, 3]) recent.apply(blockAt(height));
  assert.equal(recent.get(Region.Proof, u64be(1n)), null);
  recent.get(Region.Proof, u64be(2n))?.fill(0);
  for (const height of [2n, 3n]) assert.deepEqual(recent.get(Region.Proof, u64be(height)), VALUE);
});

Deno.test("RecentRecords leaves out a value that is larger than all of its memory", () => {
  const recent = new RecentRecords({ blocksMax: 9, bytesMax: 1000 });
  const key = u64be(1n);
  recent.apply({ puts: [{ region: 1, key, value: VALUE }], deletes: [] });
  recent.apply({ puts: [{ region: 1, key, value: new Uint8Array(2000) }], deletes: [] });
  assert.equal(recent.get(1, key), null);
  assert.equal(recent.bytes, 0);
});

Deno.test("RecentRecords never gives a value that is not the last one, and keeps its bounds", () => {
  const key = fc.integer({ min: 0, max: 4 }).map((n) => u64be(BigInt(n)));
  const region = fc.constantFrom(1, Region.CompactBlock);
  const place = fc.record({ region, key });
  const put = fc.record({ region, key, value: fc.uint8Array({ maxLength: 300 }) });
  const batch = fc.record({
    puts: fc.array(put, { maxLength: 6 }),
    deletes: fc.array(place, { maxLength: 2 }),
  });
  const limits = fc.record({
    blocksMax: fc.integer({ min: 0, max: 4 }),
    bytesMax: fc.integer({ min: 0, max: 1500 }),
  });
  fc.assert(fc.property(limits, fc.array(batch, { maxLength: 20 }), (bounds, batches) => {
    const recent = new RecentRecords(bounds);
    const model = new Map<string, Bytes>();
    for (const { puts, deletes } of batches) {
      recent.apply({ puts, deletes });
      for (const record of puts) model.set(`${record.region}${toHex(record.key)}`, record.value);
      for (const gone of deletes) model.delete(`${gone.region}${toHex(gone.key)}`);
      for (const probe of [...puts, ...deletes]) {
        const value = recent.get(probe.region, probe.key);
        if (value === null) continue;
        assert.deepEqual(value, model.get(`${probe.region}${toHex(probe.key)}`));
      }
      assert(recent.bytes <= bounds.bytesMax);
    }
  }));
});
