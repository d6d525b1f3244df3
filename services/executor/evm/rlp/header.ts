import type { Bytes } from "../../../../shared/bytes/mod.ts";

/** Size of the header of a string or list with a payload of `size` bytes (not of a lone byte). */
export function headerSize(size: number): number {
  if (size <= 55) return 1;
  if (size < 0x100) return 2;
  if (size < 0x10000) return 3;
  return size < 0x1000000 ? 4 : 5;
}

/** Where a header goes: `base` is 0x80 for a string and 0xc0 for a list. */
export interface HeaderPlace {
  readonly target: Bytes;
  readonly offset: number;
  readonly base: 0x80 | 0xc0;
  readonly size: number;
}

/** Writes the header of a payload of `size` bytes and returns the offset after it. */
export function writeHeader({ target, offset, base, size }: HeaderPlace): number {
  if (size <= 55) {
    target[offset] = base + size;
    return offset + 1;
  }
  const end = offset + headerSize(size);
  target[offset] = base + 55 + (end - offset - 1);
  for (let i = end - 1, rest = size; i > offset; i--, rest >>>= 8) target[i] = rest & 0xff;
  return end;
}
