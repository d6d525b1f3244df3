import type { Bytes } from "../../shared/bytes/mod.ts";

/** A field of a request that cannot be used, and why; answered as an invalid argument. */
export class FieldError extends Error {
  override name = "FieldError";

  constructor(field: string, wanted: string, got: number | string) {
    super(`Cannot use ${field}: it must ${wanted}, got ${got}`);
  }
}

/** Throws a {@linkcode FieldError} unless the bytes have that size. */
export function checkSize(field: string, bytes: Bytes, size: number): void {
  if (bytes.length !== size) throw new FieldError(field, `have ${size} bytes`, bytes.length);
}
