import { type Bytes, EMPTY_BYTES, fromHex, toHex } from "../../../shared/bytes/mod.ts";
import type { Put, RecordBatch, RecordRange, RecordStore } from "../evm/chain/records.ts";

/** Records in memory, with what a disk can do to them. */
export class MemoryRecords implements RecordStore {
  readonly #values = new Map<string, Bytes>();
  /** Set to make every further write fail and store nothing. */
  isFull = false;

  /** The value of a key. */
  getSync(key: Bytes): Bytes | null {
    return this.#values.get(toHex(key)) ?? null;
  }

  /** Adds records, all or none. */
  put(puts: Iterable<Put>): void {
    for (const [key, value] of puts) this.#values.set(toHex(key), value.slice());
  }

  /** Removes records, all or none. */
  delete(keys: Iterable<Bytes>): void {
    for (const key of keys) this.#values.delete(toHex(key));
  }

  /** As the store on disk writes. */
  write({ puts = [], deletes = [] }: RecordBatch): Promise<void> {
    if (this.isFull) return Promise.reject(new Error("no space left"));
    this.put(puts);
    this.delete(deletes);
    return Promise.resolve();
  }

  /** As the store on disk reads many. */
  getMany(keys: readonly Bytes[]): Promise<(Bytes | null)[]> {
    return Promise.resolve(keys.map((key) => this.getSync(key)));
  }

  /** As the store on disk walks. */
  async *iterate({ gte, gt, lt, limit = Infinity }: RecordRange): AsyncIterable<Put> {
    const [from, to] = [toHex(gte ?? gt ?? EMPTY_BYTES), lt && toHex(lt)];
    let count = 0;
    for (const [key, value] of this.entries()) {
      if (key < from || (gt !== undefined && key === from)) continue;
      if ((to !== undefined && key >= to) || count++ >= limit) return;
      yield [fromHex(key), fromHex(value)];
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Keys in hex, to compare stores. */
  entries(): [string, string][] {
    return [...this.#values].map(([key, value]): [string, string] => [key, toHex(value)]).sort();
  }

  /** A store with the same records. */
  copy(): MemoryRecords {
    const copy = new MemoryRecords();
    for (const [key, value] of this.#values) copy.#values.set(key, value);
    return copy;
  }
}
