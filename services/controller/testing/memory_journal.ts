import type { Bytes } from "../../../shared/bytes/mod.ts";
import type { JournalPort } from "../ports.ts";

/** A journal in memory: what it holds is on a disk that survives the node. */
export class MemoryJournal implements JournalPort {
  /** The last segment is the one that grows. */
  #segments: Bytes[][] = [[]];
  /** Nothing more can be written while true. */
  isFull = false;
  /** Writes take that long. */
  pause: () => Promise<void> = () => Promise.resolve();
  /** Counts the processes that wrote. */
  #life = 0;
  /** Number of records in each append. */
  readonly appendedCounts: number[] = [];

  /** Everything that is on disk. */
  get records(): readonly Bytes[] {
    return this.#segments.flat();
  }

  get size(): number {
    return this.records.reduce((sum, { length }) => sum + length, 0);
  }

  async append(records: readonly Bytes[]): Promise<void> {
    const segment = this.#segments.at(-1);
    await this.#write();
    segment?.push(...records);
    this.appendedCounts.push(records.length);
  }

  async *load(): AsyncIterable<readonly Bytes[]> {
    const segments = this.#segments.map((segment) => [...segment]);
    this.#segments.push([]);
    for (const segment of segments) yield await Promise.resolve(segment);
  }

  async replace(records: readonly Bytes[]): Promise<void> {
    const count = this.#segments.length;
    this.#segments.push([]);
    await this.#write();
    this.#segments.splice(0, count, [...records]);
  }

  /** The process ends: what it has not written yet never gets to the disk. */
  crash(): void {
    this.#life++;
  }

  async #write(): Promise<void> {
    const life = this.#life;
    await this.pause();
    if (life !== this.#life) await new Promise(() => {});
    if (this.isFull) throw new Error("No space left on device");
  }
}
