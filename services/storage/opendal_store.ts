import { BlockStateRoot, RawTransaction, RawTransactions } from "../../proto/gen/blockchain.ts";
import { rawTransactionHash } from "../../shared/block/mod.ts";
import {
  type Bytes,
  concatBytes,
  EMPTY_BYTES,
  equalBytes,
  readU64be,
  u64be,
} from "../../shared/bytes/mod.ts";
import { encode, tryDecode } from "../../shared/codec/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { Engine } from "./engine.ts";
import { readFullBlock, splitFullBlock } from "./full_block.ts";
import type { Outcome } from "./outcome.ts";
import { checkKey, type RecordKey, Region, type StoredRecord } from "./regions.ts";
import type { RecordStore } from "./region_store.ts";

/** Regions that 6.7 has beyond those of 6.3.3 (spec/storage_kms.md A9 and A10). */
export const LaterRegion = {
  /** A block with its hash and state root. Store only; holds a mark for every such block. */
  AllBlockData: 12,
  /** Transactions that wait for a block. Holds a mark for each of them. */
  TransactionsPool: 13,
} as const;

const HASH_SIZE = 32;
const HEIGHT_SIZE = 8;
const HEIGHT_KEY = u64be(0n);
const CURRENT_HASH_KEY = u64be(1n);

/** Heights beyond the current one whose waiting transactions a node asks for. */
const POOL_HEIGHTS = 100n;
/** Transactions of the pool that are read at a time. */
const POOL_READ_COUNT = 500;

/** What an {@linkcode OpendalStore} is made of. */
export interface OpendalStoreDeps {
  /** The regions of 6.3.3. */
  readonly regions: RecordStore;
  readonly engine: Engine;
}

/**
 * The records of a chain for controllers of 6.7: those of 6.3.3, and what spec/storage_kms.md A10
 * adds to them. Controllers of 6.3 see no difference, except that nothing is ever deleted.
 */
export class OpendalStore implements RecordStore {
  readonly #regions: RecordStore;
  readonly #engine: Engine;

  constructor({ regions, engine }: OpendalStoreDeps) {
    this.#regions = regions;
    this.#engine = engine;
  }

  async store(record: StoredRecord): Promise<StatusCode> {
    if (!isLater(record)) return await this.#regions.store(record);
    if (record.key.length !== HEIGHT_SIZE) return StatusCode.InvalidKey;
    return record.region === LaterRegion.AllBlockData
      ? await this.#storeAllBlockData(record)
      : await this.#storePool(record.value);
  }

  async load(place: RecordKey): Promise<Outcome<Bytes>> {
    if (!isLater(place)) return await this.#loadOfBefore(place);
    if (place.key.length !== HEIGHT_SIZE) return { code: StatusCode.InvalidKey };
    if (place.region === LaterRegion.AllBlockData) return { code: StatusCode.BadRegion };
    return await this.#loadPool();
  }

  /** Succeeds and deletes nothing: the records may be in a cloud that other nodes share. */
  delete({ region, key }: RecordKey): Promise<StatusCode> {
    if (!isLater({ region })) return Promise.resolve(checkKey(region, key));
    const isKey = key.length === HEIGHT_SIZE;
    return Promise.resolve(isKey ? StatusCode.Success : StatusCode.InvalidKey);
  }

  /** The records of a block with its hash in front, and the height, all at once (A9). */
  async #storeAllBlockData({ key, value }: StoredRecord): Promise<StatusCode> {
    if (value.length <= HASH_SIZE) return StatusCode.DecodeError;
    const [blockHash, encoded] = [value.slice(0, HASH_SIZE), value.subarray(HASH_SIZE)];
    const read = readFullBlock(encoded);
    if (read.code !== StatusCode.Success) return read.code;
    const stateRoot = tryDecode(BlockStateRoot, encoded)?.stateRoot ?? EMPTY_BYTES;
    if (stateRoot.length !== 0 && stateRoot.length !== HASH_SIZE) return StatusCode.InvalidValue;
    const split = splitFullBlock({ block: read.value.block, heightKey: key, blockHash });
    if (split.code !== StatusCode.Success) return split.code;
    const puts = [
      ...split.value,
      { region: Region.Result, key, value: stateRoot },
      { region: LaterRegion.AllBlockData, key, value: EMPTY_BYTES },
      { region: Region.Global, key: HEIGHT_KEY, value: key },
    ];
    const deletes = await this.#outdated(readU64be(key));
    await this.#engine.write({ puts, deletes });
    return StatusCode.Success;
  }

  /** What a new block makes stale: marks of the pool, and a hash that a controller of 6.3 stored. */
  async #outdated(height: bigint): Promise<RecordKey[]> {
    const region = LaterRegion.TransactionsPool;
    const places: RecordKey[] = [{ region: Region.Global, key: CURRENT_HASH_KEY }];
    for await (const [key] of this.#engine.scan(region)) {
      if (readU64be(key) > height) break;
      places.push({ region, key });
    }
    return places;
  }

  async #loadOfBefore(place: RecordKey): Promise<Outcome<Bytes>> {
    const outcome = await this.#regions.load(place);
    const { region, key } = place;
    if (region === Region.FullBlock && outcome.code === StatusCode.Success) {
      return await this.#withStateRoot(key, outcome.value);
    }
    const isCurrentHash = region === Region.Global && equalBytes(key, CURRENT_HASH_KEY);
    if (!isCurrentHash || outcome.code !== StatusCode.NotFound) return outcome;
    const height = await this.#engine.get(Region.Global, HEIGHT_KEY);
    if (height === null) return outcome;
    return await this.#regions.load({ region: Region.BlockHash, key: height });
  }

  /** A block that came with its state root is given with it; one of a 6.3 controller never is. */
  async #withStateRoot(key: Bytes, block: Bytes): Promise<Outcome<Bytes>> {
    const mark = await this.#engine.get(LaterRegion.AllBlockData, key);
    if (mark === null) return { code: StatusCode.Success, value: block };
    const stateRoot = await this.#regions.load({ region: Region.Result, key });
    if (stateRoot.code !== StatusCode.Success) return stateRoot;
    const field = encode(BlockStateRoot, { stateRoot: stateRoot.value });
    return { code: StatusCode.Success, value: concatBytes(block, field) };
  }

  async #storePool(value: Bytes): Promise<StatusCode> {
    const transactions = tryDecode(RawTransactions, value);
    if (transactions === null) return StatusCode.DecodeError;
    const puts: StoredRecord[] = [];
    for (const raw of transactions.body) {
      const hash = rawTransactionHash(raw);
      if (hash === null) return StatusCode.NoTransaction;
      if (hash.length !== HASH_SIZE) return StatusCode.InvalidKey;
      const mark = concatBytes(u64be(validUntil(raw)), hash);
      puts.push(
        { region: Region.Transactions, key: hash, value: encode(RawTransaction, raw) },
        { region: LaterRegion.TransactionsPool, key: mark, value: EMPTY_BYTES },
      );
    }
    await this.#engine.write({ puts, deletes: [] });
    return StatusCode.Success;
  }

  async #loadPool(): Promise<Outcome<Bytes>> {
    const stored = await this.#engine.get(Region.Global, HEIGHT_KEY);
    // any caller may store a height of another length
    const height = stored?.length === HEIGHT_SIZE ? readU64be(stored) : 0n;
    const hashes: Bytes[] = [];
    for await (const [mark] of this.#engine.scan(LaterRegion.TransactionsPool)) {
      const validUntil = readU64be(mark);
      if (validUntil > height + POOL_HEIGHTS) break;
      if (validUntil > height) hashes.push(mark.slice(HEIGHT_SIZE));
    }
    const body: RawTransaction[] = [];
    for (let first = 0; first < hashes.length; first += POOL_READ_COUNT) {
      const some = hashes.slice(first, first + POOL_READ_COUNT);
      for (const value of await this.#engine.getMany(Region.Transactions, some)) {
        if (value === null) return { code: StatusCode.NotFound };
        const raw = tryDecode(RawTransaction, value);
        if (raw === null) return { code: StatusCode.DecodeError };
        body.push(raw);
      }
    }
    return { code: StatusCode.Success, value: encode(RawTransactions, { body }) };
  }
}

function isLater({ region }: { readonly region: number }): boolean {
  return region === LaterRegion.AllBlockData || region === LaterRegion.TransactionsPool;
}

/** The last height whose block may hold the transaction; 0 for changes of the system. */
function validUntil({ tx }: RawTransaction): bigint {
  return tx?.$case === "normalTx" ? tx.value.transaction?.validUntilBlock ?? 0n : 0n;
}
