import assert from "node:assert/strict";
import { rawTransactionHash } from "../../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import type { HashFunction } from "../../../../shared/crypto/mod.ts";
import { loadChainParts } from "../../testing/chain_parts.ts";
import { TestChain } from "../../testing/test_chain.ts";
import { findReceiptProof } from "./query.ts";

const parts = await loadChainParts();
const [sm3] = parts.hashes as [HashFunction];

Deno.test("findReceiptProof() hashes the receipts of a block once for all its proofs", () => {
  let hashed = 0;
  const counted = (bytes: Bytes) => {
    hashed++;
    return sm3(bytes);
  };
  const test = new TestChain({ ...parts, hashes: [counted] }, sm3);
  test.grow();
  const blocks = [50, 30].map((size) => {
    const block = test.build(Array.from({ length: size }, () => ({})));
    test.execute(block);
    return (block.body?.body ?? []).map((raw) => rawTransactionHash(raw) ?? EMPTY_BYTES);
  });
  const sizes = blocks.map((transactions) => {
    hashed = 0;
    for (const hash of transactions) assert.notEqual(findReceiptProof(test.chain, hash), null);
    return hashed;
  });
  assert.deepEqual(sizes, [49, 29]);
  hashed = 0;
  for (const hash of blocks.flat()) findReceiptProof(test.chain, hash);
  assert.equal(hashed, 0);
});
