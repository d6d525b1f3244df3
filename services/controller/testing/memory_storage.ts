import {
  Block,
  CompactBlock,
  RawTransaction,
  RawTransactions,
} from "../../../proto/gen/blockchain.ts";
import { Regions } from "../../../proto/gen/storage.ts";
import { compactBlock, hashBlockHeader, rawTransactionHash } from "../../../shared/block/mod.ts";
import { type Bytes, EMPTY_BYTES, readU64be, toHex, u64be } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import type { HashFunction } from "../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../shared/status/mod.ts";
import type { StoreRecord } from "../chain/mod.ts";
import type { Loaded, StoragePort } from "../ports.ts";

/** A storage service in memory, with the virtual region 11 (spec/storage_kms.md, A4). */
export class MemoryStorage implements StoragePort {
  readonly records = new Map<string, Bytes>();
  /** Every store in order. */
  readonly log: StoreRecord[] = [];
  /** Answers 600 while true. */
  isAway = false;
  /** Stores nothing while true. */
  isFull = false;
  readonly #hash: HashFunction;

  constructor(hash: HashFunction) {
    this.#hash = hash;
  }

  load(region: number, key: Bytes): Promise<Loaded> {
    return Promise.resolve(this.read(region, key));
  }

  /** As {@linkcode MemoryStorage.load}, at once. */
  read(region: number, key: Bytes): Loaded {
    if (this.isAway) return { code: StatusCode.StorageServerNotReady, value: EMPTY_BYTES };
    if (key.length !== keySize(region)) return { code: StatusCode.InvalidKey, value: EMPTY_BYTES };
    if (region === Regions.FULL_BLOCK) return this.#readFull(key);
    const value = this.records.get(nameOf(region, key));
    if (value === undefined) return { code: StatusCode.NotFound, value: EMPTY_BYTES };
    return { code: StatusCode.Success, value };
  }

  #readFull(key: Bytes): Loaded {
    const compact = this.read(Regions.COMPAT_BLOCK, key);
    if (compact.code !== StatusCode.Success) return compact;
    const { version, header, body } = decode(CompactBlock, compact.value);
    const transactions = (body?.txHashes ?? []).map((hash) =>
      decode(RawTransaction, this.read(Regions.TRANSACTIONS, hash).value)
    );
    const proof = this.read(Regions.PROOF, key).value;
    const block = { version, header, body: RawTransactions.create({ body: transactions }), proof };
    return { code: StatusCode.Success, value: encode(Block, block) };
  }

  store(record: StoreRecord): Promise<StatusCode> {
    if (this.isAway) return Promise.resolve(StatusCode.StorageServerNotReady);
    if (this.isFull) return Promise.resolve(StatusCode.StoreError);
    this.log.push(record);
    if (record.region === Regions.FULL_BLOCK) this.#split(record);
    else this.records.set(nameOf(record.region, record.key), record.value);
    return Promise.resolve(StatusCode.Success);
  }

  #split({ key, value }: StoreRecord): void {
    const block = decode(Block, value);
    if (block.header === undefined) return;
    const hash = hashBlockHeader(this.#hash, block.header);
    const put = (region: number, at: Bytes, bytes: Bytes) =>
      this.records.set(nameOf(region, at), bytes);
    (block.body?.body ?? []).forEach((raw, index) => {
      const txHash = rawTransactionHash(raw) ?? EMPTY_BYTES;
      put(Regions.TRANSACTIONS, txHash, encode(RawTransaction, raw));
      put(Regions.TRANSACTION_HASH2BLOCK_HEIGHT, txHash, key);
      put(Regions.TRANSACTION_INDEX, txHash, u64be(BigInt(index)));
    });
    put(Regions.BLOCK_HASH, key, hash);
    put(Regions.BLOCK_HASH2BLOCK_HEIGHT, hash, key);
    put(Regions.PROOF, key, block.proof);
    put(Regions.COMPAT_BLOCK, key, encode(CompactBlock, compactBlock(block)));
  }

  /** The committed height; null for an empty store. */
  get height(): bigint | null {
    const value = this.records.get(nameOf(Regions.GLOBAL, u64be(0n)));
    return value === undefined ? null : readU64be(value);
  }
}

function keySize(region: number): number {
  const hashKeyed: number[] = [
    Regions.TRANSACTIONS,
    Regions.TRANSACTION_HASH2BLOCK_HEIGHT,
    Regions.BLOCK_HASH2BLOCK_HEIGHT,
    Regions.TRANSACTION_INDEX,
  ];
  return hashKeyed.includes(region) ? 32 : 8;
}

function nameOf(region: number, key: Bytes): string {
  return `${region}/${toHex(key)}`;
}
