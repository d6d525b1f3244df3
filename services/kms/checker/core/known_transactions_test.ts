import assert from "node:assert/strict";
import fc from "fast-check";
import { KnownTransactions } from "./known_transactions.ts";

Deno.test("KnownTransactions has what was added or asked for lately, and is bounded", () => {
  const operations = fc.array(fc.record({ isAdd: fc.boolean(), key: fc.nat(40) }), {
    maxLength: 300,
    size: "max",
  });
  fc.assert(fc.property(operations, fc.integer({ min: 2, max: 20 }), (steps, max) => {
    const known = new KnownTransactions(max);
    const added = new Set<number>();
    /** Keys by their last use, the oldest first. */
    const used = new Set<number>();
    for (const { isAdd, key } of steps) {
      const recent = [...used].slice(used.size - Math.max(0, Math.floor(max / 2) - 1));
      if (isAdd) {
        known.add(String(key));
        added.add(key);
      } else {
        const isKnown = known.has(String(key));
        assert(!isKnown || added.has(key));
        assert(isKnown || !recent.includes(key), "a recent one is forgotten");
        if (!isKnown) continue;
      }
      used.delete(key);
      used.add(key);
      assert(known.count <= max);
    }
  }));
});

Deno.test("KnownTransactions forgets what is not used", () => {
  const known = new KnownTransactions(4);
  for (const key of ["a", "b", "c", "d"]) known.add(key);
  assert(!known.has("a"));
  assert(known.has("d"));
});
