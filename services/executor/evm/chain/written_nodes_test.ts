import assert from "node:assert/strict";
import { u64be } from "../../../../shared/bytes/mod.ts";
import { natives } from "../../testing/run_code.ts";
import { WrittenNodes } from "./written_nodes.ts";

const hash = (index: number) => natives.keccak(u64be(BigInt(index)));

Deno.test("WrittenNodes knows the nodes of as many blocks as it has to, and hardly any others", () => {
  const written = new WrittenNodes(4n);
  const heights = Array.from({ length: 30 }, (_, height) => BigInt(height));
  for (const height of heights) {
    written.add(height, Array.from({ length: 10 }, (_, i) => hash(Number(height) * 10 + i)));
    const first = height < 4n ? 0 : Number(height) - 4;
    for (let index = 10 * first; index < 10 * (Number(height) + 1); index++) {
      assert(written.mayHave(hash(index)));
    }
    assert(written.covers(BigInt(first), height));
    const strangers = Array.from({ length: 1_000 }, (_, index) => hash(1_000_000 + index));
    const wrong = strangers.filter((stranger) => written.mayHave(stranger));
    assert(wrong.length < 10);
  }
});

Deno.test("WrittenNodes does not cover blocks that it was not told of", () => {
  const written = new WrittenNodes(4n);
  assert(!written.covers(0n, 0n));
  written.add(5n, []);
  assert(!written.covers(4n, 5n));
  assert(written.covers(5n, 5n));
  assert(!written.covers(5n, 6n));
  written.add(6n, []);
  assert(written.covers(5n, 6n));
  written.add(8n, []);
  assert(!written.covers(6n, 8n));
  assert(written.covers(8n, 8n));
});
