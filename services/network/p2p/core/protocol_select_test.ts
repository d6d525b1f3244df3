import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex } from "../../../../shared/bytes/mod.ts";
import {
  answerProtocol,
  decodeProtocolInfo,
  encodeProtocolInfo,
  NODE_PROTOCOL,
} from "./protocol_select.ts";

const PROPOSAL = "270000000c00000016000000060000002f7032702f3011000000080000000500" +
  "0000302e302e31";
const REFUSAL = "1a0000000c00000016000000060000002f7032702f3004000000";

Deno.test("encodeProtocolInfo() writes the vectors of spec/network.md 10", () => {
  assert.equal(toHex(encodeProtocolInfo(NODE_PROTOCOL)), PROPOSAL);
  assert.equal(toHex(encodeProtocolInfo({ name: "/p2p/0", versions: [] })), REFUSAL);
});

Deno.test("decodeProtocolInfo() reads what was encoded", () => {
  assert.deepEqual(decodeProtocolInfo(fromHex(PROPOSAL)), NODE_PROTOCOL);
  assert.deepEqual(decodeProtocolInfo(fromHex(REFUSAL)), { name: "/p2p/0", versions: [] });
  const text = fc.string({ unit: "grapheme" });
  fc.assert(fc.property(text, fc.array(text), (name, versions) => {
    const info = { name, versions };
    assert.deepEqual(decodeProtocolInfo(encodeProtocolInfo(info)), info);
  }));
});

Deno.test("decodeProtocolInfo() gives null for malformed bytes and never throws", () => {
  const valid = fromHex(PROPOSAL);
  for (let size = 0; size < valid.length; size++) {
    assert.equal(decodeProtocolInfo(valid.slice(0, size)), null);
  }
  const invalidUtf8 = fromHex(PROPOSAL.replace("2f7032702f30", "ff7032702f30"));
  assert.equal(decodeProtocolInfo(invalidUtf8), null);
  assert.equal(decodeProtocolInfo(fromHex("04000000")), null);
  const changes = fc.array(fc.record({ at: fc.nat(38), byte: fc.nat(255) }), { maxLength: 4 });
  fc.assert(
    fc.property(changes, (edits) => {
      const bytes = valid.slice();
      for (const { at, byte } of edits) bytes[at] = byte;
      decodeProtocolInfo(bytes);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("answerProtocol() takes the common version, or none", () => {
  const answerTo = (name: string, versions: string[]) => answerProtocol({ name, versions });
  assert.deepEqual(answerTo("/p2p/0", ["0.0.1"]), NODE_PROTOCOL);
  assert.deepEqual(answerTo("/p2p/0", ["0.0.2", "0.0.1", "1.0"]), NODE_PROTOCOL);
  assert.deepEqual(answerTo("/p2p/0", ["0.0.2"]), { name: "/p2p/0", versions: [] });
  assert.deepEqual(answerTo("/p2p/1", ["0.0.1"]), { name: "/p2p/1", versions: [] });
});
