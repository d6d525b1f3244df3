import assert from "node:assert/strict";
import fc from "fast-check";
import { Block, BlockHeader, CompactBlock, RawTransaction } from "../../proto/gen/blockchain.ts";
import { type Bytes, EMPTY_BYTES, fromHex, toHex, u64be } from "../../shared/bytes/mod.ts";
import { decode, encode } from "../../shared/codec/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import { EngineError } from "./engine.ts";
import { MemoryEngine } from "./engines/memory/engine.ts";
import { Region, REGIONS } from "./regions.ts";
import {
  buildBlock,
  buildHeader,
  buildService,
  buildTransaction,
  fakeHeaderHash,
  hashOf,
  NO_TRANSACTION,
} from "./testing/builders.ts";

const HEIGHT = u64be(5n);

Deno.test("Store, Load and Delete of a plain region round-trip any value", async () => {
  const { handlers } = buildService();
  const record = fc.integer({ min: 0, max: 10 }).chain((region) => {
    const { keySize = 0, valueSize = null } = REGIONS[region] ?? {};
    const lengths = valueSize === null ? {} : { minLength: valueSize, maxLength: valueSize };
    return fc.record({
      region: fc.constant(region),
      key: fc.uint8Array({ minLength: keySize, maxLength: keySize }),
      value: fc.uint8Array(lengths),
    });
  });
  await fc.assert(fc.asyncProperty(record, async ({ region, key, value }) => {
    const place = { region, key };
    assert.deepEqual(await handlers.store({ ...place, value }), { code: 0 });
    assert.deepEqual(await handlers.load(place), { status: { code: 0 }, value });
    assert.deepEqual(await handlers.delete(place), { code: 0 });
    assert.deepEqual(await handlers.delete(place), { code: 0 });
    const absent = { status: { code: StatusCode.NotFound }, value: EMPTY_BYTES };
    assert.deepEqual(await handlers.load(place), absent);
  }));
});

Deno.test("a region beyond the last is refused by every call before its key is looked at", async () => {
  const { handlers } = buildService();
  for (const region of [12, 13, 2 ** 32 - 1]) {
    const place = { region, key: EMPTY_BYTES };
    const { status } = await handlers.load(place);
    assert.equal(status?.code, StatusCode.InvalidRegion);
    const stored = await handlers.store({ ...place, value: EMPTY_BYTES });
    assert.equal(stored.code, StatusCode.InvalidRegion);
    assert.equal((await handlers.delete(place)).code, StatusCode.InvalidRegion);
  }
});

Deno.test("any bytes stored as a full block give a code and never a crash", async () => {
  const { handlers } = buildService();
  const block = buildBlock({ body: { body: [buildTransaction(hashOf(9))] } });
  const damaged = fc.tuple(fc.nat(block.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = block.slice();
    bytes[at] = byte;
    return bytes;
  });
  const any = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged);
  await fc.assert(fc.asyncProperty(any, fc.uint8Array({ maxLength: 10 }), async (value, key) => {
    const stored = await handlers.store({ region: Region.FullBlock, key, value });
    const loaded = await handlers.load({ region: Region.FullBlock, key });
    if (stored.code === StatusCode.Success) assert.equal(loaded.status?.code, StatusCode.Success);
  }));
});

const TX_HASHES = [hashOf(10), hashOf(11), hashOf(12)];
const UTXO: RawTransaction = {
  tx: {
    $case: "utxoTx",
    value: { transactionHash: hashOf(12), transaction: undefined, witnesses: [] },
  },
};
const TRANSACTIONS = [buildTransaction(hashOf(10)), buildTransaction(hashOf(11)), UTXO];
const FULL_BLOCK = buildBlock({ body: { body: TRANSACTIONS } });

async function headerHashOf(block: Bytes): Promise<Bytes> {
  const { header } = decode(Block, block);
  assert(header !== undefined);
  const hashed = await fakeHeaderHash(encode(BlockHeader, header));
  assert(hashed.code === StatusCode.Success);
  return hashed.value;
}

Deno.test("Store of a full block writes each record, Load puts the same bytes together", async () => {
  const { handlers } = buildService();
  const fullBlock = { region: Region.FullBlock, key: HEIGHT };
  for (let round = 0; round < 2; round++) { // storing it again changes nothing
    const stored = await handlers.store({ ...fullBlock, value: FULL_BLOCK });
    assert.equal(stored.code, StatusCode.Success);
    const load = async (region: number, key: Bytes) => {
      const { status, value } = await handlers.load({ region, key });
      return status?.code === StatusCode.Success ? toHex(value) : status?.code;
    };
    const blockHash = await headerHashOf(FULL_BLOCK);
    for (const [index, hash] of TX_HASHES.entries()) {
      const raw = TRANSACTIONS[index] ?? NO_TRANSACTION;
      assert.equal(await load(Region.Transactions, hash), toHex(encode(RawTransaction, raw)));
      assert.equal(await load(Region.TransactionHeight, hash), toHex(HEIGHT));
      assert.equal(await load(Region.TransactionIndex, hash), toHex(u64be(BigInt(index))));
    }
    assert.equal(await load(Region.BlockHash, HEIGHT), toHex(blockHash));
    assert.equal(await load(Region.BlockHeight, blockHash), toHex(HEIGHT));
    assert.equal(await load(Region.Proof, HEIGHT), "c0ff");
    const compact = { version: 0, header: buildHeader(5n), body: { txHashes: TX_HASHES } };
    assert.equal(await load(Region.CompactBlock, HEIGHT), toHex(encode(CompactBlock, compact)));
    assert.equal(await load(Region.FullBlock, HEIGHT), toHex(FULL_BLOCK));
    for (const region of [Region.Headers, Region.Bodies, Region.Result, Region.Global]) {
      assert.equal(await load(region, HEIGHT), StatusCode.NotFound);
    }
  }
});

Deno.test("a block without transactions is put together with an empty body", async () => {
  const { handlers } = buildService();
  const value = buildBlock({ height: 0n });
  const place = { region: Region.FullBlock, key: u64be(0n) };
  assert.equal((await handlers.store({ ...place, value })).code, StatusCode.Success);
  assert.deepEqual((await handlers.load(place)).value, value);
  assert(toHex(value).includes("1a00"));
});

Deno.test("Store of a full block drops unknown fields of transactions", async () => {
  const { handlers } = buildService();
  // body of one raw transaction: normalTx with its hash, then field 15 of 1 byte
  const raw = `0a22${"1220"}${"0a".repeat(32)}`;
  const body = `0a${(raw.length / 2 + 3).toString(16)}${raw}7a01ff`;
  const value = fromHex(`1200${"1a"}${(body.length / 2).toString(16)}${body}`);
  const stored = await handlers.store({ region: Region.FullBlock, key: HEIGHT, value });
  assert.equal(stored.code, StatusCode.Success);
  const { value: kept } = await handlers.load({ region: Region.Transactions, key: hashOf(10) });
  assert.equal(toHex(kept), raw);
});

interface RefusedBlock {
  readonly key?: Bytes;
  readonly value: Bytes;
  readonly code: StatusCode;
}

const REFUSED_BLOCKS: Record<string, RefusedBlock> = {
  "with a key of 9 bytes": { key: new Uint8Array(9), value: FULL_BLOCK, code: 603 },
  "that is garbage": { value: Uint8Array.of(255, 255, 255), code: 123 },
  "without a header": { value: buildBlock({ header: undefined }), code: 114 },
  "without a body": { value: buildBlock({ body: undefined }), code: 113 },
  "with a transaction of no kind": {
    value: buildBlock({ body: { body: [...TRANSACTIONS, NO_TRANSACTION] } }),
    code: 109,
  },
  "with a transaction hash of 31 bytes": {
    value: buildBlock({ body: { body: [buildTransaction(new Uint8Array(31))] } }),
    code: 603,
  },
};

for (const [what, { key = HEIGHT, value, code }] of Object.entries(REFUSED_BLOCKS)) {
  Deno.test(`a full block ${what} is refused and nothing of it is written`, async () => {
    const { handlers } = buildService();
    const stored = await handlers.store({ region: Region.FullBlock, key, value });
    assert.equal(stored.code, code);
    const places: [number, Bytes][] = [[Region.Transactions, hashOf(10)], [Region.Proof, HEIGHT]];
    for (const [region, recordKey] of places) {
      const { status } = await handlers.load({ region, key: recordKey });
      assert.equal(status?.code, StatusCode.NotFound);
    }
  });
}

Deno.test("the kms is asked after the header was found and before the body is looked at", async () => {
  const noHash = () => Promise.resolve({ code: StatusCode.KmsServerNotReady });
  const { handlers } = buildService({ headerHash: noHash });
  const store = (value: Bytes) =>
    handlers.store({ region: Region.FullBlock, key: HEIGHT, value }).then(({ code }) => code);
  assert.equal(await store(buildBlock({ header: undefined })), StatusCode.NoneBlockHeader);
  assert.equal(await store(buildBlock({ body: undefined })), StatusCode.KmsServerNotReady);
  assert.equal(await store(FULL_BLOCK), StatusCode.KmsServerNotReady);
});

Deno.test("a block hash that is not 32 bytes long is refused", async () => {
  const shortHash = () => Promise.resolve({ code: StatusCode.Success, value: new Uint8Array(31) });
  const { handlers } = buildService({ headerHash: shortHash });
  const record = { region: Region.FullBlock, key: HEIGHT, value: FULL_BLOCK };
  assert.equal((await handlers.store(record)).code, StatusCode.InvalidValue);
});

Deno.test("Load of a full block tells which part is missing or damaged", async () => {
  const { handlers } = buildService();
  const place = { region: Region.FullBlock, key: HEIGHT };
  const loadCode = async () => (await handlers.load(place)).status?.code;
  await handlers.store({ ...place, value: FULL_BLOCK });
  const transaction = { region: Region.Transactions, key: hashOf(11) };
  await handlers.delete(transaction);
  assert.equal(await loadCode(), StatusCode.NotFound);
  await handlers.store({ ...transaction, value: Uint8Array.of(255) });
  assert.equal(await loadCode(), StatusCode.DecodeError);
  await handlers.delete({ region: Region.Proof, key: HEIGHT });
  assert.equal(await loadCode(), StatusCode.NotFound);
  const compact = { region: Region.CompactBlock, key: HEIGHT };
  await handlers.store({ ...compact, value: Uint8Array.of(255) });
  assert.equal(await loadCode(), StatusCode.EncodeError);
  const body = { txHashes: [new Uint8Array(31)] };
  const value = encode(CompactBlock, { version: 0, header: undefined, body });
  await handlers.store({ ...compact, value });
  await handlers.store({ region: Region.Proof, key: HEIGHT, value: EMPTY_BYTES });
  assert.equal(await loadCode(), StatusCode.InvalidKey);
});

Deno.test("Delete of a full block answers what the flavour answers and deletes nothing", async () => {
  for (const deleteFullBlockCode of [StatusCode.BadRegion, StatusCode.Success]) {
    const { handlers } = buildService({ deleteFullBlockCode });
    const place = { region: Region.FullBlock, key: HEIGHT };
    await handlers.store({ ...place, value: FULL_BLOCK });
    assert.equal((await handlers.delete(place)).code, deleteFullBlockCode);
    assert.deepEqual((await handlers.load(place)).value, FULL_BLOCK);
  }
});

Deno.test("a failure of the engine becomes the code of the call", async () => {
  class BrokenEngine extends MemoryEngine {
    override get = () => Promise.reject(new EngineError("disk"));
    override write = () => Promise.reject(new EngineError("disk"));
  }
  const { handlers } = buildService({ engine: new BrokenEngine() });
  const place = { region: Region.Global, key: HEIGHT };
  const stored = await handlers.store({ ...place, value: EMPTY_BYTES });
  assert.equal(stored.code, StatusCode.StoreError);
  const loaded = await handlers.load(place);
  assert.deepEqual(loaded, { status: { code: StatusCode.LoadError }, value: EMPTY_BYTES });
  assert.equal((await handlers.delete(place)).code, StatusCode.DeleteError);
});
