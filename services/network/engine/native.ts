/**
 * The native library of the network service: QUIC and TLS in Rust, built from the crate in this
 * folder. This is the only file that loads it.
 *
 * @module
 */

import type { Bytes } from "../../../shared/bytes/mod.ts";

/** What the library refused to do, such as writing to a connection that is lost. */
export class EngineError extends Error {
  override name = "EngineError";
}

const SYMBOLS = {
  engine_failure: { parameters: ["buffer", "u32"], result: "i32" },
  quic_open: { parameters: ["buffer", "u32", "u32", "u32"], result: "i32" },
  quic_drop: { parameters: ["u32"], result: "i32" },
  quic_connect: { parameters: ["u32", "f64", "buffer", "buffer", "u32"], result: "i32" },
  quic_receive: { parameters: ["u32", "f64", "buffer", "buffer", "u32"], result: "i32" },
  quic_transmit: { parameters: ["u32", "f64", "buffer", "u32"], result: "i32" },
  quic_timeout: { parameters: ["u32"], result: "f64" },
  quic_handle_timeout: { parameters: ["u32", "f64"], result: "i32" },
  quic_event: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  quic_peer_names: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  quic_open_stream: { parameters: ["u32", "u32", "i32"], result: "i32" },
  quic_write: { parameters: ["u32", "u32", "f64", "buffer", "u32"], result: "i32" },
  quic_finish: { parameters: ["u32", "u32", "f64"], result: "i32" },
  quic_read: { parameters: ["u32", "u32", "f64", "buffer", "u32"], result: "i32" },
  quic_stop: { parameters: ["u32", "u32", "f64", "u32"], result: "i32" },
  quic_close: { parameters: ["u32", "f64", "u32", "u32", "buffer", "u32"], result: "i32" },
  quic_statistics: { parameters: ["u32", "u32", "buffer"], result: "i32" },
  tls_open: { parameters: ["buffer", "buffer", "u32"], result: "i32" },
  tls_drop: { parameters: ["u32"], result: "i32" },
  tls_begin: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  tls_end: { parameters: ["u32"], result: "i32" },
  tls_receive: { parameters: ["u32", "buffer", "u32", "buffer", "u32", "buffer"], result: "i32" },
  tls_send: { parameters: ["u32", "buffer", "u32", "buffer", "u32", "buffer"], result: "i32" },
  tls_close: { parameters: ["u32"], result: "i32" },
  tls_suite: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  tls_certificate: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
} as const;

/** Beside the bundle in an executable, where `toolchain/install_engine.sh` puts it otherwise. */
const LIBRARY = new URL(
  Deno.build.standalone ? "libnetwork_engine.so" : "../../../.toolchain/lib/libnetwork_engine.so",
  import.meta.url,
);

/** Room for why a call failed; what is longer is cut. */
const FAILURE_ROOM_SIZE = 4 * 1024;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

/** Loaded once for all that use it, since every connection does; closed by the last of them. */
const loaded: { library: Library | null; useCount: number } = { library: null, useCount: 0 };

/** A use of the library, which ends by disposal. */
export class Native implements Disposable {
  readonly symbols: Library["symbols"];

  constructor() {
    loaded.library ??= Deno.dlopen(LIBRARY, SYMBOLS);
    loaded.useCount += 1;
    this.symbols = loaded.library.symbols;
  }

  /** What a call answered; throws an {@linkcode EngineError} when that was that it failed. */
  check(outcome: number): number {
    if (outcome >= 0) return outcome;
    const text = new Uint8Array(FAILURE_ROOM_SIZE);
    const size = this.symbols.engine_failure(text, text.length);
    throw new EngineError(new TextDecoder().decode(text.subarray(0, Math.max(size, 0))));
  }

  [Symbol.dispose](): void {
    loaded.useCount -= 1;
    if (loaded.useCount > 0) return;
    loaded.library?.close();
    loaded.library = null;
  }
}

/** The library cannot be given memory that threads share. */
export function owned(bytes: Bytes): Uint8Array<ArrayBuffer> {
  return isOwned(bytes) ? bytes : new Uint8Array(bytes);
}

function isOwned(bytes: Bytes): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}
