import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { WalPort } from "../ports.ts";

/** A write-ahead log in memory. */
export class MemoryWal implements WalPort {
  readonly records: Bytes[] = [];

  append(_height: bigint, encodedBlock: Bytes): Promise<void> {
    this.records.push(encodedBlock);
    return Promise.resolve();
  }

  load(): Promise<Bytes[]> {
    return Promise.resolve([...this.records]);
  }

  clear(): Promise<void> {
    this.records.length = 0;
    return Promise.resolve();
  }
}
