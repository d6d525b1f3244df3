import { type Bytes, toHex } from "../../../../shared/bytes/mod.ts";
import type { EngineBatch } from "../../engine.ts";
import { type RecordKey, Region } from "../../regions.ts";

/** Limits of {@linkcode RecentRecords}; whichever is reached first counts. */
export interface RecentLimits {
  /** Records that were written before so many blocks are forgotten. */
  readonly blocksMax: number;
  readonly bytesMax: number;
}

interface Recent {
  readonly value: Bytes;
  /** Blocks that had been written when this record was. */
  readonly blockCount: number;
}

/** What a place and its bookkeeping cost beside key and value. */
const RECORD_OVERHEAD_BYTES = 200;

/** The records that were written last, in memory; bounded in blocks and in bytes. */
export class RecentRecords {
  readonly #limits: RecentLimits;
  /** In the order in which they were written, the oldest first. */
  readonly #recordByPlace = new Map<string, Recent>();
  #blockCount = 0;
  #bytes = 0;

  constructor(limits: RecentLimits) {
    this.#limits = limits;
  }

  /** Memory in use, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A copy of a value that is known; null says nothing about the record. */
  get(region: number, key: Bytes): Bytes | null {
    return this.#recordByPlace.get(placeOf({ region, key }))?.value.slice() ?? null;
  }

  /** Takes over what was written: puts in order, then deletes. */
  apply({ puts, deletes }: EngineBatch): void {
    this.#blockCount += puts.filter(({ region }) => region === Region.CompactBlock).length;
    for (const record of puts) {
      const place = placeOf(record);
      this.#remove(place);
      const { value } = record;
      if (value.length > this.#limits.bytesMax) continue; // it would push out all others
      this.#recordByPlace.set(place, { value: value.slice(), blockCount: this.#blockCount });
      this.#bytes += costOf(place, value);
    }
    for (const gone of deletes) this.#remove(placeOf(gone));
    this.#forgetOld();
  }

  /** Forgets the places of a batch: what a write that failed left there is not known. */
  forget({ puts, deletes }: EngineBatch): void {
    for (const place of [...puts, ...deletes]) this.#remove(placeOf(place));
  }

  /** Forgets everything. */
  clear(): void {
    this.#recordByPlace.clear();
    this.#bytes = 0;
  }

  #forgetOld(): void {
    const { blocksMax, bytesMax } = this.#limits;
    for (const [place, { blockCount }] of this.#recordByPlace) {
      const isOld = blockCount <= this.#blockCount - blocksMax;
      if (!isOld && this.#bytes <= bytesMax) return;
      this.#remove(place);
    }
  }

  #remove(place: string): void {
    const known = this.#recordByPlace.get(place);
    if (known === undefined) return;
    this.#recordByPlace.delete(place);
    this.#bytes -= costOf(place, known.value);
  }
}

function costOf(place: string, value: Bytes): number {
  return place.length + value.length + RECORD_OVERHEAD_BYTES;
}

function placeOf({ region, key }: RecordKey): string {
  return `${region}:${toHex(key)}`;
}
