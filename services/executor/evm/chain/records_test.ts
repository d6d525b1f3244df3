import assert from "node:assert/strict";
import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { MemoryRecords } from "../../testing/memory_records.ts";
import { putReceipt, readReceipt, type ReceiptRecord } from "./records.ts";

const RECEIPT: ReceiptRecord = {
  height: 7n,
  index: 3n,
  logOffset: 5n,
  quotaUsed: 21_000n,
  previousQuotaUsed: 53_000n,
  quota: 2n ** 64n - 1n,
  contractAddress: new Uint8Array(20).fill(1),
  error: 18,
  logs: [{ address: new Uint8Array(20).fill(2), topics: [], data: EMPTY_BYTES }],
  accountNonce: 9n,
};

Deno.test("readReceipt() gives what putReceipt() recorded", () => {
  const hash = new Uint8Array(32).fill(3);
  const records = new MemoryRecords();
  records.put([putReceipt(hash, RECEIPT)]);
  assert.deepEqual(readReceipt(records, hash), RECEIPT);
});

Deno.test("putReceipt() records the same after a record that failed half way", () => {
  const hash = new Uint8Array(32).fill(3);
  const before = putReceipt(hash, RECEIPT);
  assert.throws(() => putReceipt(hash, { ...RECEIPT, height: -1n }), RangeError);
  assert.deepEqual(putReceipt(hash, RECEIPT), before);
});
