import type { Bytes } from "../../../../shared/bytes/mod.ts";

/** Bytes that are not the one canonical RLP encoding of anything. */
export class RlpError extends Error {
  override name = "RlpError";
}

/**
 * Walks over RLP items without allocating. After {@linkcode next} the payload of the item is
 * `bytes[start..end)`; to enter a list, open a cursor on that range.
 */
export class RlpCursor {
  /** Whether the current item is a list. */
  isList = false;
  /** First byte of the current item, header included. */
  itemStart = 0;
  /** First byte of the payload of the current item. */
  start = 0;
  /** End of the current item and of its payload. */
  end: number;

  constructor(readonly bytes: Bytes, from = 0, readonly limit: number = bytes.length) {
    this.end = from;
  }

  /** Whether all items were read. */
  get done(): boolean {
    return this.end >= this.limit;
  }

  /** Moves to the next item; throws {@linkcode RlpError} when it is cut off or not canonical. */
  next(): void {
    const { bytes, limit } = this;
    const first = this.end;
    if (first >= limit) throw new RlpError(`Cannot read RLP at byte ${first}: no item is left`);
    const prefix = bytes[first] as number;
    this.itemStart = first;
    this.isList = prefix >= 0xc0;
    if (prefix < 0x80) {
      this.start = first;
      this.end = first + 1;
      return;
    }
    const base = this.isList ? 0xc0 : 0x80;
    const short = prefix - base;
    const sizeBytes = short <= 55 ? 0 : short - 55;
    const size = sizeBytes === 0 ? short : this.#longSize(first, sizeBytes);
    this.start = first + 1 + sizeBytes;
    if (size > limit - this.start) {
      throw new RlpError(
        `Cannot read RLP at byte ${first}: it must end by byte ${limit}, got a size of ${size}`,
      );
    }
    this.end = this.start + size;
    if (prefix === 0x81 && (bytes[this.start] as number) < 0x80) {
      throw new RlpError(`Cannot read RLP at byte ${first}: a byte below 128 must stand alone`);
    }
  }

  #longSize(first: number, sizeBytes: number): number {
    const { bytes, limit } = this;
    if (sizeBytes > limit - first - 1) {
      throw new RlpError(`Cannot read RLP at byte ${first}: its size is cut off`);
    }
    if (bytes[first + 1] === 0) {
      throw new RlpError(`Cannot read RLP at byte ${first}: its size must not begin with zero`);
    }
    let size = 0;
    for (let i = 1; i <= sizeBytes; i++) size = size * 256 + (bytes[first + i] as number);
    if (size <= 55) {
      throw new RlpError(
        `Cannot read RLP at byte ${first}: a size of ${size} must be in short form`,
      );
    }
    return size;
  }
}
