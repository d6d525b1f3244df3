import assert from "node:assert/strict";
import fc from "fast-check";
import { RecentLimit, RecentMap } from "./recent_map.ts";

Deno.test("RecentMap keeps what is read and forgets the rest", () => {
  const map = new RecentMap<number, string>(new RecentLimit(10));
  map.set(0, "hot");
  for (let key = 1; key < 100; key++) {
    map.set(key, "cold");
    assert.equal(map.get(0), "hot");
  }
  const cold = Array.from({ length: 99 }, (_, index) => map.get(index + 1));
  assert(cold.filter((value) => value === "cold").length < 10);
});

Deno.test("RecentMap: all maps of a limit together never weigh more than it", () => {
  const step = fc.record({
    map: fc.nat(2),
    key: fc.nat(30),
    weight: fc.integer({ min: 1, max: 8 }),
    isRead: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
    const limit = new RecentLimit(20);
    const maps = [0, 1, 2].map(() => new RecentMap<number, number>(limit, (weight) => weight));
    const models = maps.map(() => new Map<number, number>());
    for (const { map: index, key, weight, isRead } of steps) {
      const [map, model] = [maps[index]!, models[index]!];
      if (isRead) {
        const found = map.get(key);
        assert(found === undefined || found === model.get(key));
      } else if (!model.has(key)) {
        map.set(key, weight);
        model.set(key, weight);
        assert.equal(map.get(key), weight, "the last one is always known");
      }
      assert(limit.weight <= 20, String(limit.weight));
    }
  }));
});
