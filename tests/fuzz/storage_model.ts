import { type Bytes, toHex, u64be } from "../../shared/bytes/mod.ts";
import {
  BLOCK,
  BLOCK_HEADER,
  COMPACT_BLOCK,
  decodeStrictly,
  encodeCanonically,
  Message,
  RAW_TRANSACTION,
} from "./wire.ts";

interface ModelRecord {
  readonly region: number;
  readonly key: Bytes;
  readonly value: Bytes;
}

interface Loaded {
  readonly code: number;
  readonly value: Bytes;
}

/** What a block becomes: a code, or the records to write; null when nobody can tell. */
type Split = { readonly code: number } | { readonly records: readonly ModelRecord[] } | null;

const HASH_KEYED = [1, 7, 8, 9];
const VALUE_SIZES: Readonly<Record<number, number>> = { 4: 32, 6: 32, 7: 8, 8: 8 };
const NONE = new Uint8Array();

/** Stands for a value that nobody can tell, because a request could be read in two ways. */
const UNKNOWN = Symbol("unknown");

const placeOf = (region: number, key: Bytes) => `${region}:${toHex(key)}`;

/** The rules of spec/storage_kms.md, A3 and A4, over a map in memory. */
export class StorageModel {
  readonly #values = new Map<string, Bytes | typeof UNKNOWN>();
  readonly #headerHash: (header: Bytes) => Bytes;
  readonly #deleteFullBlockCode: number;

  constructor(
    { headerHash, deleteFullBlockCode }: {
      readonly headerHash: (header: Bytes) => Bytes;
      /** The flavours differ in it. */
      readonly deleteFullBlockCode: number;
    },
  ) {
    this.#headerHash = headerHash;
    this.#deleteFullBlockCode = deleteFullBlockCode;
  }

  /** The code that storing the record must answer; it is remembered when that is 0. */
  store(record: ModelRecord, answered: number): number | null {
    const refusal = checkRecord(record);
    if (refusal !== 0) return refusal;
    if (record.region !== 11) {
      this.#values.set(placeOf(record.region, record.key), record.value);
      return 0;
    }
    const split = this.#split(record);
    if (split === null) {
      if (answered === 0) this.#forget(this.placesOf(record, true));
      return null;
    }
    if ("code" in split) return split.code;
    for (const { region, key, value } of split.records) {
      this.#values.set(placeOf(region, key), value);
    }
    return 0;
  }

  /** The code that deleting must answer. */
  delete({ region, key }: ModelRecord): number {
    const refusal = checkKey(region, key);
    if (refusal !== 0) return refusal;
    if (region === 11) return this.#deleteFullBlockCode;
    this.#values.delete(placeOf(region, key));
    return 0;
  }

  /** What loading must answer; null when nobody can tell. */
  load({ region, key }: ModelRecord): Loaded | null {
    const refusal = checkKey(region, key);
    if (refusal !== 0) return { code: refusal, value: NONE };
    return region === 11 ? this.#join(key) : this.#get(region, key);
  }

  /** Every place that a call reads or changes. */
  placesOf(record: ModelRecord, isStore: boolean): readonly string[] {
    const { region, key, value } = record;
    if (checkKey(region, key) !== 0) return [];
    if (region !== 11) return [placeOf(region, key)];
    const places = [placeOf(10, key), placeOf(5, key), placeOf(4, key)];
    if (!isStore) {
      const compact = this.#values.get(placeOf(10, key));
      const hashes = compact instanceof Uint8Array
        ? decodeStrictly(COMPACT_BLOCK, compact)?.message(3)?.each(1) ?? []
        : [];
      return [...places, ...hashes.map((hash) => placeOf(1, hash as Bytes))];
    }
    const block = decodeStrictly(BLOCK, value);
    const header = block?.message(2) ?? null;
    if (header !== null) {
      places.push(placeOf(8, this.#headerHash(encodeCanonically(BLOCK_HEADER, header))));
    }
    for (const raw of block?.message(3)?.each(1) ?? []) {
      // a transaction that can be read in two ways may have either hash
      for (const field of [1, 2]) {
        const hash = (raw as Message).message(field)?.bytes(2) ?? null;
        if (hash !== null) places.push(...[1, 7, 9].map((number) => placeOf(number, hash)));
      }
    }
    return places;
  }

  #split({ key, value }: ModelRecord): Split {
    const block = decodeStrictly(BLOCK, value);
    if (block === null) return { code: 123 };
    if (block.isAmbiguous) return null;
    const header = block.message(2);
    if (header === null) return { code: 114 };
    const body = block.message(3);
    if (body === null) return { code: 113 };
    const records: ModelRecord[] = [];
    const hashes: Bytes[] = [];
    for (const [index, raw] of body.each(1).entries()) {
      if (!(raw instanceof Message)) return null;
      if (raw.message(1) !== null && raw.message(2) !== null) return null;
      const hash = (raw.message(1) ?? raw.message(2))?.bytes(2);
      if (hash === undefined) return { code: 109 };
      hashes.push(hash);
      records.push(
        { region: 1, key: hash, value: encodeCanonically(RAW_TRANSACTION, raw) },
        { region: 7, key: hash, value: key },
        { region: 9, key: hash, value: u64be(BigInt(index)) },
      );
    }
    // all kinds of transactions are looked at before the length of any hash is
    if (hashes.some((hash) => hash.length !== 32)) return { code: 603 };
    const blockHash = this.#headerHash(encodeCanonically(BLOCK_HEADER, header));
    const compact = new Message();
    compact.fields.set(1, [block.uint(1)]);
    compact.fields.set(2, [header]);
    const compactBody = new Message();
    compactBody.fields.set(1, hashes);
    compact.fields.set(3, [compactBody]);
    records.push(
      { region: 4, key, value: blockHash },
      { region: 8, key: blockHash, value: key },
      { region: 5, key, value: block.bytes(4) },
      { region: 10, key, value: encodeCanonically(COMPACT_BLOCK, compact) },
    );
    return { records };
  }

  #join(key: Bytes): Loaded | null {
    const stored = this.#get(10, key);
    if (stored === null || stored.code !== 0) return stored;
    const compact = decodeStrictly(COMPACT_BLOCK, stored.value);
    if (compact === null) return { code: 122, value: NONE };
    if (compact.isAmbiguous) return null;
    const proof = this.#get(5, key);
    if (proof === null || proof.code !== 0) return proof;
    const body = new Message();
    const transactions: Message[] = [];
    for (const hash of compact.message(3)?.each(1) ?? []) {
      const key = hash as Bytes;
      if (key.length !== 32) return { code: 603, value: NONE };
      const raw = this.#get(1, key);
      if (raw === null || raw.code !== 0) return raw;
      const transaction = decodeStrictly(RAW_TRANSACTION, raw.value);
      if (transaction === null) return { code: 123, value: NONE };
      const isTwofold = transaction.message(1) !== null && transaction.message(2) !== null;
      if (transaction.isAmbiguous || isTwofold) return null;
      transactions.push(transaction);
    }
    body.fields.set(1, transactions);
    const block = new Message();
    block.fields.set(1, [compact.uint(1)]);
    const header = compact.message(2);
    if (header !== null) block.fields.set(2, [header]);
    block.fields.set(3, [body]);
    block.fields.set(4, [proof.value]);
    return { code: 0, value: encodeCanonically(BLOCK, block) };
  }

  #get(region: number, key: Bytes): Loaded | null {
    const value = this.#values.get(placeOf(region, key));
    if (value === UNKNOWN) return null;
    return value === undefined ? { code: 601, value: NONE } : { code: 0, value };
  }

  #forget(places: readonly string[]): void {
    for (const place of places) this.#values.set(place, UNKNOWN);
  }
}

function checkKey(region: number, key: Bytes): number {
  if (region >= 12) return 602;
  return key.length === (HASH_KEYED.includes(region) ? 32 : 8) ? 0 : 603;
}

function checkRecord({ region, key, value }: ModelRecord): number {
  const refusal = checkKey(region, key);
  if (refusal !== 0) return refusal;
  const size = VALUE_SIZES[region] ?? value.length;
  return value.length === size ? 0 : 146;
}
