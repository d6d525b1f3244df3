import { StatusCode } from "../../../proto/gen/common.ts";
import { Content, ExtKey, type StorageServiceService, Value } from "../../../proto/gen/storage.ts";
import { fromHex, toHex } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";
import type { Handlers } from "../../../shared/rpc/mod.ts";

/** A call of the storage that was recorded at the reference service. */
export interface RecordedCall {
  readonly rpc: "Store" | "Load" | "Delete";
  readonly request_hex: string;
  readonly response_hex: string;
}

const FOLDER = new URL("../../../tests/vectors/storage/", import.meta.url);

/** Reads a recorded file as text; one that ends in `.gz` is unpacked. */
export async function readVectors(name: string): Promise<string> {
  const { readable } = await Deno.open(new URL(name, FOLDER));
  const stream = name.endsWith(".gz")
    ? readable.pipeThrough(new DecompressionStream("gzip"))
    : readable;
  return await new Response(stream).text();
}

/** Makes a recorded call again and gives the response as hex. */
export async function repeatCall(
  handlers: Handlers<typeof StorageServiceService>,
  { rpc, request_hex }: Omit<RecordedCall, "response_hex">,
): Promise<string> {
  const request = fromHex(request_hex);
  switch (rpc) {
    case "Store":
      return toHex(encode(StatusCode, await handlers.store(decode(Content, request))));
    case "Load":
      return toHex(encode(Value, await handlers.load(decode(ExtKey, request))));
    case "Delete":
      return toHex(encode(StatusCode, await handlers.delete(decode(ExtKey, request))));
  }
}
