import assert from "node:assert/strict";
import fc from "fast-check";
import { Block, RawTransaction, Transaction } from "../../proto/gen/blockchain.ts";
import { ProposalEnum } from "../../proto/gen/common.ts";
import { RegisterInfo } from "../../proto/gen/network.ts";
import { EMPTY_BYTES, fromHex, toHex } from "../bytes/mod.ts";
import { decode, DecodeError, encode, tryDecode, useStrictUtf8 } from "./mod.ts";

const blob = fc.uint8Array({ maxLength: 40 });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

Deno.test("encode() leaves defaults out and writes present sub-messages, also empty ones", () => {
  const empty = { version: 0, header: undefined, body: undefined, proof: EMPTY_BYTES };
  assert.equal(toHex(encode(Block, empty)), "");
  assert.equal(toHex(encode(Block, { ...empty, body: { body: [] } })), "1a00");
  assert.equal(toHex(encode(ProposalEnum, { proposal: undefined })), "");
});

Deno.test("encode() keeps empty elements of a repeated field", () => {
  const none: RawTransaction = { tx: undefined };
  const block = { version: 0, header: undefined, body: { body: [none, none] }, proof: EMPTY_BYTES };
  assert.equal(toHex(encode(Block, block)), "1a040a000a00");
});

/** What the wire format of protobuf calls malformed (spec/protocol.md, section 2). */
const MALFORMED = {
  "a field number of 0": "080100",
  "a known field of another wire type": "0a0101",
  "a field beyond the end of its sub-message": "12030a05010203040506",
  "a sub-message beyond the end": "120a",
  "the end of a group that did not begin": "08017c",
  "a group that ends as another one": "7b84010108",
  "a number of more than 64 bits": "0880808080808080808002",
};

for (const [what, hex] of Object.entries(MALFORMED)) {
  Deno.test(`decode() refuses ${what}`, () => {
    assert.throws(() => decode(Block, fromHex(hex)), DecodeError);
  });
}

Deno.test("decode() reads what encode() wrote", () => {
  const transaction = fc.record({
    version: fc.nat(),
    to: blob,
    nonce: fc.string({ unit: "binary" }),
    quota: u64,
    validUntilBlock: u64,
    data: blob,
    value: blob,
    chainId: blob,
  });
  fc.assert(fc.property(transaction, (value) => {
    const bytes = encode(Transaction, value);
    assert.equal(toHex(encode(Transaction, decode(Transaction, bytes))), toHex(bytes));
  }));
});

Deno.test("decode() skips unknown fields and does not keep them", () => {
  const known = encode(RegisterInfo, { moduleName: "m", hostname: "h", port: "1" });
  const bytes = new Uint8Array([...known, 0xa0, 0x06, 0x05]);
  assert.equal(toHex(encode(RegisterInfo, decode(RegisterInfo, bytes))), toHex(known));
});

Deno.test("decode() refuses truncated bytes and invalid UTF-8 with a DecodeError", () => {
  useStrictUtf8();
  for (const wrong of ["0a", "0a05aa", "0a01ff", "ffffffffffffffffffffff01"]) {
    assert.throws(() => decode(RegisterInfo, fromHex(wrong)), DecodeError, wrong);
    assert.equal(tryDecode(RegisterInfo, fromHex(wrong)), null, wrong);
  }
});

Deno.test("decode() of random bytes gives a message or a DecodeError, nothing else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const message = tryDecode(Block, bytes);
    if (message === null) assert.throws(() => decode(Block, bytes), DecodeError);
    else encode(Block, message);
  }));
});
