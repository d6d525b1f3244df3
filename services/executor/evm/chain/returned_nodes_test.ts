import assert from "node:assert/strict";
import { u64be } from "../../../../shared/bytes/mod.ts";
import { natives } from "../../testing/run_code.ts";
import { ReturnedNodes } from "./returned_nodes.ts";

const hash = (index: number) => natives.keccak(u64be(BigInt(index)));
const hashes = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => hash(first + index));

Deno.test("ReturnedNodes knows what came back within its blocks, and hardly any others", () => {
  const blocks = 4;
  for (let later = 0; later <= blocks; later++) {
    const returned = new ReturnedNodes(BigInt(blocks));
    for (let height = 0; height < 30; height++) {
      const removed = hashes(100 * height, 10);
      // half of what was replaced so many blocks before comes back
      const written = [...hashes(100 * (height - later), 5), ...hashes(1_000_000 + height, 1)];
      returned.add(BigInt(height), { removed, written });
      const first = Math.max(0, height - blocks);
      assert(returned.covers(BigInt(first), BigInt(height)));
      for (let at = first; at <= height - later; at++) {
        for (const back of hashes(100 * at, 5)) assert(returned.mayHave(back));
      }
      const others = [...hashes(2_000_000, 500), ...hashes(100 * height + 5, 5)];
      assert(others.filter((other) => returned.mayHave(other)).length < 5);
    }
  }
});

Deno.test("ReturnedNodes does not cover blocks that it was not told of", () => {
  const returned = new ReturnedNodes(4n);
  const nothing = { removed: [], written: [] };
  assert(!returned.covers(0n, 0n));
  returned.add(5n, nothing);
  assert(!returned.covers(4n, 5n));
  assert(returned.covers(5n, 5n));
  assert(!returned.covers(5n, 6n));
  returned.add(6n, nothing);
  assert(returned.covers(5n, 6n));
  returned.add(8n, nothing);
  assert(!returned.covers(6n, 8n));
  assert(returned.covers(8n, 8n));
});
