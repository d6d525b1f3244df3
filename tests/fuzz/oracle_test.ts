import assert from "node:assert/strict";
import fc from "fast-check";
import { Block, RawTransactions } from "../../proto/gen/blockchain.ts";
import { equalBytes, fromHex, toHex } from "../../shared/bytes/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import { loadSuite } from "../../shared/crypto/mod.ts";
import { buildBlock, buildTransaction, hashOf } from "../../services/storage/testing/builders.ts";
import { sm3, suiteOracle } from "./suites.ts";
import { BLOCK, decodeStrictly, encodeCanonically, RAW_TRANSACTIONS } from "./wire.ts";

Deno.test("sm3() gives the published hashes", () => {
  const hex = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
  assert.equal(toHex(sm3(new TextEncoder().encode("abc"))), hex);
  const empty = "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b";
  assert.equal(toHex(sm3(new Uint8Array())), empty);
});

for (const name of ["sm", "eth"] as const) {
  Deno.test(`suiteOracle("${name}") agrees with shared/crypto on signatures, whole and damaged`, async () => {
    const suite = await loadSuite(name);
    const oracle = suiteOracle(name);
    const secretKey = suite.generateSecretKey();
    const message = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const damage = fc.record({ at: fc.nat(oracle.signatureSize - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(message, damage, fc.bigInt({ min: 1n, max: 2n ** 200n }), (msg, how, seed) => {
        assert(equalBytes(oracle.hash(msg), suite.hash(msg)));
        const signature = suite.sign(secretKey, msg);
        const address = suite.addressOf(suite.publicKeyOf(secretKey));
        assert.deepEqual(oracle.recover(msg, signature), address);
        const key = oracle.key(seed);
        const own = suite.recover(msg, key.sign(msg));
        assert(own.kind === "signer" && equalBytes(own.address, key.address));
        signature[how.at] = how.byte;
        const recovery = suite.recover(msg, signature);
        const wanted = recovery.kind === "signer" ? recovery.address : null;
        assert.deepEqual(oracle.recover(msg, signature), wanted);
      }),
      { numRuns: 20 },
    );
  });
}

Deno.test("decodeStrictly() reads what the codecs write, encodeCanonically() writes it again", () => {
  const block = buildBlock({ body: { body: [buildTransaction(hashOf(1)), { tx: undefined }] } });
  const decoded = decodeStrictly(BLOCK, block);
  assert(decoded !== null && !decoded.isAmbiguous);
  assert.deepEqual(encodeCanonically(BLOCK, decoded), block);
  assert.equal(decoded.message(3)?.each(1).length, 2);
  const { body } = RawTransactions.decode(encode(RawTransactions, { body: [] }));
  assert.deepEqual(body, decodeStrictly(RAW_TRANSACTIONS, new Uint8Array())?.each(1));
  assert.equal(Block.decode(block).proof.length, 2);
});

Deno.test("decodeStrictly() refuses what is no message, and drops unknown fields", () => {
  const malformed = {
    "a field number of 0": "0001",
    "a wire type that does not exist": "0e",
    "a wire type of another kind": "0a0101",
    "a length beyond the end": "2205ff",
    "a sub-message with a field beyond its end": "12030a05010203040506",
    "a varint of eleven bytes": "08ffffffffffffffffffff01",
    "a group that does not end": "7b08",
    "the end of a group that did not begin": "7c",
  };
  for (const [what, hex] of Object.entries(malformed)) {
    assert.equal(decodeStrictly(BLOCK, fromHex(hex)), null, what);
  }
  const unknown = decodeStrictly(BLOCK, fromHex("08057801"));
  assert(unknown !== null);
  assert.equal(toHex(encodeCanonically(BLOCK, unknown)), "0805");
  assert.equal(decodeStrictly(BLOCK, fromHex("12001200"))?.isAmbiguous, true);
});
