import { BlockHeader } from "../../proto/gen/blockchain.ts";
import type { Bytes } from "../../shared/bytes/mod.ts";
import { encode } from "../../shared/codec/mod.ts";
import { StatusCode } from "../../shared/status/mod.ts";
import type { Engine } from "./engine.ts";
import { joinFullBlock, readCompactBlock, readFullBlock, splitFullBlock } from "./full_block.ts";
import type { HeaderHash } from "./header_hash.ts";
import type { Outcome } from "./outcome.ts";
import { checkKey, checkRecord, type RecordKey, Region, type StoredRecord } from "./regions.ts";

/** What a {@linkcode RegionStore} is made of. */
export interface RegionStoreDeps {
  readonly engine: Engine;
  readonly headerHash: HeaderHash;
  /** What deleting a full block answers: the flavours differ (spec/storage_kms.md A4). */
  readonly deleteFullBlockCode: StatusCode;
}

/** The calls of the storage, decided but for their names on the wire. */
export interface RecordStore {
  /** Stores a record. */
  store(record: StoredRecord): Promise<StatusCode>;
  /** The value of a record. */
  load(place: RecordKey): Promise<Outcome<Bytes>>;
  /** Deletes a record; one that is absent is a success. */
  delete(place: RecordKey): Promise<StatusCode>;
}

/**
 * The records of a chain by region (spec/storage_kms.md A3 and A4). Refusals are returned; an
 * `EngineError` is thrown when the medium fails. What was stored or deleted with success is on disk.
 */
export class RegionStore implements RecordStore {
  readonly #deps: RegionStoreDeps;

  constructor(deps: RegionStoreDeps) {
    this.#deps = deps;
  }

  /** Stores a record, or all records of a full block at once. */
  async store(record: StoredRecord): Promise<StatusCode> {
    const refusal = checkRecord(record);
    if (refusal !== StatusCode.Success) return refusal;
    if (record.region === Region.FullBlock) return await this.#storeFullBlock(record);
    await this.#deps.engine.write({ puts: [record], deletes: [] });
    return StatusCode.Success;
  }

  /** The value of a record; a full block is put together from its records. */
  async load({ region, key }: RecordKey): Promise<Outcome<Bytes>> {
    const refusal = checkKey(region, key);
    if (refusal !== StatusCode.Success) return { code: refusal };
    if (region === Region.FullBlock) return await this.#loadFullBlock(key);
    return found(await this.#deps.engine.get(region, key));
  }

  /** Deletes a record; one that is absent is a success. The records of a full block stay. */
  async delete({ region, key }: RecordKey): Promise<StatusCode> {
    const refusal = checkKey(region, key);
    if (refusal !== StatusCode.Success) return refusal;
    if (region === Region.FullBlock) return this.#deps.deleteFullBlockCode;
    await this.#deps.engine.write({ puts: [], deletes: [{ region, key }] });
    return StatusCode.Success;
  }

  async #storeFullBlock({ key, value }: StoredRecord): Promise<StatusCode> {
    const { engine, headerHash } = this.#deps;
    const read = readFullBlock(value);
    if (read.code !== StatusCode.Success) return read.code;
    const { block, header } = read.value;
    const hashed = await headerHash(encode(BlockHeader, header));
    if (hashed.code !== StatusCode.Success) return hashed.code;
    const split = splitFullBlock({ block, heightKey: key, blockHash: hashed.value });
    if (split.code !== StatusCode.Success) return split.code;
    await engine.write({ puts: split.value, deletes: [] });
    return StatusCode.Success;
  }

  async #loadFullBlock(key: Bytes): Promise<Outcome<Bytes>> {
    const { engine } = this.#deps;
    const stored = found(await engine.get(Region.CompactBlock, key));
    if (stored.code !== StatusCode.Success) return stored;
    const compact = readCompactBlock(stored.value);
    if (compact.code !== StatusCode.Success) return compact;
    const proof = found(await engine.get(Region.Proof, key));
    if (proof.code !== StatusCode.Success) return proof;
    const hashes = compact.value.body?.txHashes ?? [];
    const transactions = await engine.getMany(Region.Transactions, hashes);
    return joinFullBlock({ compact: compact.value, proof: proof.value, transactions });
  }
}

function found(value: Bytes | null): Outcome<Bytes> {
  return value === null ? { code: StatusCode.NotFound } : { code: StatusCode.Success, value };
}
