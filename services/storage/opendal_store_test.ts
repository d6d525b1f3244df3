import assert from "node:assert/strict";
import {
  BlockStateRoot,
  type RawTransaction,
  RawTransactions,
} from "../../proto/gen/blockchain.ts";
import { type Bytes, concatBytes, EMPTY_BYTES, u64be } from "../../shared/bytes/mod.ts";
import { decode, encode } from "../../shared/codec/mod.ts";
import { loadSm3 } from "../../shared/crypto/mod.ts";
import { SILENT_LOGGER } from "../../shared/log/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { HeaderHash } from "./header_hash.ts";
import { MemoryEngine } from "./engines/memory/engine.ts";
import { LaterRegion, OpendalStore } from "./opendal_store.ts";
import { Region, REGIONS } from "./regions.ts";
import { RegionStore } from "./region_store.ts";
import { storageHandlers } from "./service.ts";
import {
  buildBlock,
  buildTransaction,
  encodeTransaction,
  fakeHeaderHash,
  hashOf,
  NO_TRANSACTION,
} from "./testing/builders.ts";
import { readVectors, type RecordedCall, repeatCall } from "./testing/vectors.ts";

function buildOpendal(headerHash: HeaderHash = fakeHeaderHash) {
  const engine = new MemoryEngine();
  const deleteFullBlockCode = StatusCode.Success;
  const regions = new RegionStore({ engine, headerHash, deleteFullBlockCode });
  const store = new OpendalStore({ regions, engine });
  const handlers = storageHandlers({ store, log: SILENT_LOGGER });
  return {
    handlers,
    async store(region: number, key: Bytes, value: Bytes): Promise<number> {
      return (await handlers.store({ region, key, value })).code;
    },
    /** The value, or the code when there is none. */
    async load(region: number, key: Bytes): Promise<Bytes | number> {
      const { status, value } = await handlers.load({ region, key });
      return status?.code === StatusCode.Success ? value : status?.code ?? -1;
    },
  };
}

const HEIGHT = u64be(5n);
const BLOCK_HASH = hashOf(0xbb);
const STATE_ROOT = hashOf(0x55);
const TRANSACTIONS = [buildTransaction(hashOf(10)), buildTransaction(hashOf(11))];
const BLOCK = buildBlock({ height: 5n, body: { body: TRANSACTIONS } });
const BLOCK_WITH_ROOT = concatBytes(BLOCK, encode(BlockStateRoot, { stateRoot: STATE_ROOT }));
const ALL_BLOCK_DATA = concatBytes(BLOCK_HASH, BLOCK_WITH_ROOT);

Deno.test("Store of all block data writes every record, the result and the height", async () => {
  const { store, load } = buildOpendal();
  assert.equal(await store(LaterRegion.AllBlockData, HEIGHT, ALL_BLOCK_DATA), 0);
  for (const [index, raw] of TRANSACTIONS.entries()) {
    const hash = hashOf(10 + index);
    assert.deepEqual(await load(Region.Transactions, hash), encodeTransaction(raw));
    assert.deepEqual(await load(Region.TransactionHeight, hash), HEIGHT);
    assert.deepEqual(await load(Region.TransactionIndex, hash), u64be(BigInt(index)));
  }
  assert.deepEqual(await load(Region.BlockHash, HEIGHT), BLOCK_HASH);
  assert.deepEqual(await load(Region.BlockHeight, BLOCK_HASH), HEIGHT);
  assert.deepEqual(await load(Region.Proof, HEIGHT), Uint8Array.of(0xc0, 0xff));
  assert.deepEqual(await load(Region.Result, HEIGHT), STATE_ROOT);
  assert.deepEqual(await load(Region.Global, u64be(0n)), HEIGHT);
  assert.deepEqual(await load(Region.Global, u64be(1n)), BLOCK_HASH);
  assert.deepEqual(await load(Region.FullBlock, HEIGHT), BLOCK_WITH_ROOT);
});

Deno.test("a block that a controller of 6.3 stored is given without a state root", async () => {
  const { store, load } = buildOpendal();
  assert.equal(await store(Region.FullBlock, HEIGHT, BLOCK), 0);
  assert.equal(await store(Region.Result, HEIGHT, STATE_ROOT), 0);
  assert.deepEqual(await load(Region.FullBlock, HEIGHT), BLOCK);
});

Deno.test("the current hash is the stored one, or that of the current height", async () => {
  const { store, load } = buildOpendal();
  const key = u64be(1n);
  assert.equal(await load(Region.Global, key), StatusCode.NotFound);
  await store(Region.Global, key, hashOf(1)); // as a controller of 6.3 does
  assert.deepEqual(await load(Region.Global, key), hashOf(1));
  await store(LaterRegion.AllBlockData, HEIGHT, ALL_BLOCK_DATA);
  assert.deepEqual(await load(Region.Global, key), BLOCK_HASH, "the older one is stale");
});

for (
  const [what, key, value, code] of [
    ["a key of 9 bytes", new Uint8Array(9), ALL_BLOCK_DATA, 603],
    ["an empty value", HEIGHT, EMPTY_BYTES, 123],
    ["a hash alone", HEIGHT, BLOCK_HASH, 123],
    ["garbage behind the hash", HEIGHT, concatBytes(BLOCK_HASH, Uint8Array.of(255)), 123],
    ["no header", HEIGHT, concatBytes(BLOCK_HASH, buildBlock({ header: undefined })), 114],
    ["no body", HEIGHT, concatBytes(BLOCK_HASH, buildBlock({ body: undefined })), 113],
    [
      "a transaction of no kind",
      HEIGHT,
      concatBytes(BLOCK_HASH, buildBlock({ body: { body: [NO_TRANSACTION] } })),
      109,
    ],
    ["a state root of 31 bytes", HEIGHT, concatBytes(ALL_BLOCK_DATA, stateRootOf(31)), 146],
  ] as const
) {
  Deno.test(`Store of all block data with ${what} is refused and writes nothing`, async () => {
    const { store, load } = buildOpendal();
    assert.equal(await store(LaterRegion.AllBlockData, key, value), code);
    assert.equal(await load(Region.Global, u64be(0n)), StatusCode.NotFound);
    assert.equal(await load(Region.Transactions, hashOf(10)), StatusCode.NotFound);
  });
}

function stateRootOf(size: number): Bytes {
  return encode(BlockStateRoot, { stateRoot: new Uint8Array(size).fill(1) });
}

Deno.test("a block without a state root, such as the first one, is stored", async () => {
  const { store, load } = buildOpendal();
  assert.equal(await store(LaterRegion.AllBlockData, HEIGHT, concatBytes(BLOCK_HASH, BLOCK)), 0);
  assert.deepEqual(await load(Region.FullBlock, HEIGHT), BLOCK);
  assert.deepEqual(await load(Region.Result, HEIGHT), EMPTY_BYTES);
});

function waiting(hash: Bytes, validUntilBlock: bigint): RawTransaction {
  const transaction = {
    version: 0,
    to: EMPTY_BYTES,
    nonce: "",
    quota: 0n,
    validUntilBlock,
    data: EMPTY_BYTES,
    value: EMPTY_BYTES,
    chainId: EMPTY_BYTES,
  };
  return {
    tx: { $case: "normalTx", value: { transactionHash: hash, transaction, witness: undefined } },
  };
}

const UTXO: RawTransaction = {
  tx: {
    $case: "utxoTx",
    value: { transactionHash: hashOf(30), transaction: undefined, witnesses: [] },
  },
};

Deno.test("Load of the pool gives what is valid for the next hundred heights, until a block is stored", async () => {
  const { store, load } = buildOpendal();
  const pool = [
    waiting(hashOf(20), 5n),
    waiting(hashOf(21), 6n),
    waiting(hashOf(22), 100n),
    waiting(hashOf(23), 106n),
    UTXO,
  ];
  const [region, key] = [LaterRegion.TransactionsPool, u64be(77n)];
  const loaded = async () => {
    const value = await load(region, key);
    assert(typeof value !== "number", `code ${value}`);
    return decode(RawTransactions, value).body;
  };
  assert.equal(await store(region, key, encode(RawTransactions, { body: pool })), 0);
  assert.deepEqual(await loaded(), pool.slice(0, 3), "no height yet: 1 to 100");
  await store(LaterRegion.AllBlockData, HEIGHT, ALL_BLOCK_DATA);
  assert.deepEqual(await loaded(), pool.slice(1, 3), "height 5: 6 to 105");
  await store(Region.Global, u64be(0n), u64be(4n));
  assert.deepEqual(await loaded(), pool.slice(1, 3), "what the block made stale is gone");
  await store(Region.Global, u64be(0n), u64be(6n));
  assert.deepEqual(await loaded(), pool.slice(2, 4));
  assert.deepEqual(await load(Region.Transactions, hashOf(30)), encodeTransaction(UTXO));
});

Deno.test("Load of the pool takes a current height of a wrong length for none", async () => {
  const { store, load } = buildOpendal();
  assert.equal(await store(Region.Global, u64be(0n), Uint8Array.of(1)), 0);
  assert.deepEqual(await load(LaterRegion.TransactionsPool, u64be(0n)), EMPTY_BYTES);
});

Deno.test("Store of the pool refuses what is no list of transactions", async () => {
  const { store } = buildOpendal();
  const region = LaterRegion.TransactionsPool;
  const listOf = (raw: RawTransaction) => encode(RawTransactions, { body: [raw] });
  assert.equal(await store(region, EMPTY_BYTES, EMPTY_BYTES), StatusCode.InvalidKey);
  assert.equal(await store(region, HEIGHT, Uint8Array.of(255)), StatusCode.DecodeError);
  assert.equal(await store(region, HEIGHT, listOf(NO_TRANSACTION)), StatusCode.NoTransaction);
  const short = buildTransaction(new Uint8Array(31));
  assert.equal(await store(region, HEIGHT, listOf(short)), StatusCode.InvalidKey);
  assert.equal(await store(region, HEIGHT, EMPTY_BYTES), StatusCode.Success);
});

Deno.test("regions from 14 on are refused, all block data cannot be loaded", async () => {
  const { handlers, store, load } = buildOpendal();
  for (const region of [14, 15, 2 ** 32 - 1]) {
    assert.equal(await store(region, EMPTY_BYTES, EMPTY_BYTES), StatusCode.InvalidRegion);
    assert.equal(await load(region, EMPTY_BYTES), StatusCode.InvalidRegion);
    const { code } = await handlers.delete({ region, key: EMPTY_BYTES });
    assert.equal(code, StatusCode.InvalidRegion);
  }
  assert.equal(await load(LaterRegion.AllBlockData, EMPTY_BYTES), StatusCode.InvalidKey);
  assert.equal(await load(LaterRegion.AllBlockData, HEIGHT), StatusCode.BadRegion);
  assert.equal(await load(LaterRegion.TransactionsPool, EMPTY_BYTES), StatusCode.InvalidKey);
});

Deno.test("Delete checks the place, succeeds and deletes nothing", async () => {
  const { handlers, store, load } = buildOpendal();
  await store(Region.Proof, HEIGHT, BLOCK_HASH);
  for (const region of [...REGIONS.keys(), ...Object.values(LaterRegion)]) {
    const key = new Uint8Array(REGIONS[region]?.keySize ?? 8);
    key.set(HEIGHT);
    assert.equal((await handlers.delete({ region, key })).code, StatusCode.Success);
    const { code } = await handlers.delete({ region, key: key.subarray(1) });
    assert.equal(code, StatusCode.InvalidKey);
  }
  assert.deepEqual(await load(Region.Proof, HEIGHT), BLOCK_HASH);
});

Deno.test("a controller of 6.3 gets the recorded answers, byte for byte", async () => {
  const sm3 = await loadSm3();
  const hashed = (header: Bytes) => ({ code: StatusCode.Success, value: sm3(header) });
  const { handlers } = buildOpendal((header) => Promise.resolve(hashed(header)));
  const text = await readVectors("chain_single_calls.jsonl.gz");
  const calls: RecordedCall[] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const call of calls) {
    assert.equal(await repeatCall(handlers, call), call.response_hex, call.request_hex);
  }
});
