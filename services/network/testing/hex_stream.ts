import assert from "node:assert/strict";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import type { ByteSink, ByteSource } from "../byte_stream.ts";

/** Reads as many bytes as hex. */
export async function readHex(source: ByteSource, size: number): Promise<string> {
  const bytes = new Uint8Array(size);
  for (let have = 0; have < size;) {
    const read = await source.read(bytes.subarray(have));
    assert(read !== null, "the connection ended early");
    have += read;
  }
  return toHex(bytes);
}

/** Writes bytes that are given as hex. */
export async function writeHex(sink: ByteSink, hex: string): Promise<void> {
  const bytes = fromHex(hex);
  for (let sent = 0; sent < bytes.length;) sent += await sink.write(bytes.subarray(sent));
}
