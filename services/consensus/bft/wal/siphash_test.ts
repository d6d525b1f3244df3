import assert from "node:assert/strict";
import { toHex } from "../../../../shared/bytes/mod.ts";
import { encodeRecords } from "./record_log.ts";
import { sipHash13 } from "./siphash.ts";

Deno.test("the checksum of a record is that of the reference (spec/consensus.md, 6.2)", () => {
  const empty = toHex(sipHash13(new Uint8Array(8)));
  assert.equal(empty, "459ec758b6ac60bd");
  const sumOf = (body: Uint8Array) => toHex(encodeRecords([{ type: 1, body }]).slice(5, 13));
  assert.equal(sumOf(Uint8Array.of(1, 2, 3)), "c1a5648d26a63870");
  assert.equal(sumOf(new TextEncoder().encode("hello")), "9c4e2e526a2e5d87");
});
