import { type Bytes, toHex } from "../../../shared/bytes/mod.ts";
import type { Put, RecordReader } from "../evm/chain/records.ts";

/** Records in memory, with what a disk can do to them. */
export class MemoryRecords implements RecordReader {
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

  /** As the store on disk writes. */
  write({ puts }: { readonly puts: Iterable<Put> }): Promise<void> {
    if (this.isFull) return Promise.reject(new Error("no space left"));
    this.put(puts);
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
