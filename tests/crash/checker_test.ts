import assert from "node:assert/strict";
import type { StoredRecord } from "../../services/storage/regions.ts";
import { Region } from "../../services/storage/regions.ts";
import { buildService } from "../../services/storage/testing/builders.ts";
import { checkPlace, loadFrom } from "./checker.ts";
import { ABSENT, History } from "./history.ts";
import { blockPlace, keyOf, ownRecords, plainPlace, recordOf } from "./records.ts";

const PLAIN = plainPlace(7);
const BLOCK = blockPlace(3);

/** A history and a store in memory that a test can make disagree. */
function forge() {
  const { handlers } = buildService();
  const history = new History();
  const store = async (record: StoredRecord) => {
    assert.deepEqual(await handlers.store(record), { code: 0 });
  };
  const acknowledge = (place: string, version: number) =>
    history.acknowledge(history.begin(place, version));
  const check = async (place: string) => {
    const violation = await checkPlace(place, { history, load: loadFrom(handlers) });
    return violation === null ? "sound" : violation.kind;
  };
  return { handlers, history, store, acknowledge, check };
}

Deno.test("checkPlace() finds an acknowledged write that is gone", async () => {
  const { acknowledge, check } = forge();
  acknowledge(PLAIN, 1);
  acknowledge(BLOCK, 2);
  assert.equal(await check(PLAIN), "lost");
  assert.equal(await check(BLOCK), "lost");
});

Deno.test("checkPlace() finds an overwrite and a delete that were undone", async () => {
  const { acknowledge, store, check } = forge();
  acknowledge(PLAIN, 1);
  await store(recordOf(PLAIN, 1));
  assert.equal(await check(PLAIN), "sound");
  acknowledge(PLAIN, 2);
  assert.equal(await check(PLAIN), "lost");
  acknowledge(PLAIN, ABSENT);
  assert.equal(await check(PLAIN), "lost");
});

Deno.test("checkPlace() takes a write under way as done or not, and what it found as settled", async () => {
  const { history, acknowledge, store, handlers, check } = forge();
  acknowledge(PLAIN, 1);
  await store(recordOf(PLAIN, 1));
  history.begin(PLAIN, 2);
  history.begin(PLAIN, ABSENT);
  assert.equal(await check(PLAIN), "sound");
  await store(recordOf(PLAIN, 2));
  assert.equal(await check(PLAIN), "lost"); // it was not there at the last look
  await handlers.delete(keyOf(PLAIN));
  assert.equal(await check(PLAIN), "lost");
});

Deno.test("checkPlace() finds a value that is not whole", async () => {
  const { acknowledge, store, check } = forge();
  const record = recordOf(PLAIN, 1);
  acknowledge(PLAIN, 1);
  const value = record.value.slice();
  value[value.length - 1] = 0xee;
  await store({ ...record, value });
  assert.equal(await check(PLAIN), "torn");
});

/** Each takes away or changes one record of a stored block. */
const DAMAGES: Record<string, (found: ReturnType<typeof forge>) => Promise<unknown>> = {
  async "the index of a transaction is missing"({ handlers }) {
    const records = await ownRecords(BLOCK, 2);
    const index = records.find(({ region }) => region === Region.TransactionIndex);
    assert(index !== undefined);
    await handlers.delete(index);
  },
  async "the height of its hash is missing"({ handlers }) {
    const records = await ownRecords(BLOCK, 2);
    const height = records.find(({ region }) => region === Region.BlockHeight);
    assert(height !== undefined);
    await handlers.delete(height);
  },
  "the block hash is missing": ({ handlers }) =>
    handlers.delete({ ...keyOf(BLOCK), region: Region.BlockHash }),
  "the proof is that of another version": ({ store }) =>
    store({ ...keyOf(BLOCK), region: Region.Proof, value: new Uint8Array(8) }),
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  Deno.test(`checkPlace() finds a block that is not whole: ${what}`, async () => {
    const forged = forge();
    forged.acknowledge(BLOCK, 2);
    await forged.store(recordOf(BLOCK, 2));
    assert.equal(await forged.check(BLOCK), "sound");
    await damage(forged);
    assert.equal(await forged.check(BLOCK), "torn");
  });
}

Deno.test("checkPlace() finds remains of a block under way that is not there", async () => {
  const { history, store, check } = forge();
  history.begin(BLOCK, 2);
  const [first] = await ownRecords(BLOCK, 2);
  assert(first !== undefined);
  await store(first);
  assert.equal(await check(BLOCK), "torn");
});

Deno.test("checkPlace() finds remains of a block under way beside the one that was kept", async () => {
  const { history, acknowledge, store, check } = forge();
  acknowledge(BLOCK, 2);
  await store(recordOf(BLOCK, 2));
  history.begin(BLOCK, 3);
  const records = await ownRecords(BLOCK, 3);
  const last = records.at(-1);
  assert(last !== undefined);
  await store(last);
  assert.equal(await check(BLOCK), "torn");
});
