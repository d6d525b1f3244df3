import { type Bytes, uintToBytes } from "../../../bytes/mod.ts";
import type { Sm2Verifier } from "../verifier.ts";
import { SM2_MODULE } from "./module.ts";

/** What assembly/sm2.ts exports; the addresses are offsets in its memory. */
interface Sm2Exports {
  readonly memory: WebAssembly.Memory;
  readonly SIGNATURE: WebAssembly.Global;
  readonly CHUNK: WebAssembly.Global;
  readonly DIGEST: WebAssembly.Global;
  readonly PUBLIC_KEY_HASH: WebAssembly.Global;
  begin(): void;
  absorb(size: number): void;
  finish(): number;
  verifyDigest(): number;
  tableCount(): number;
  tablesBuilt(): number;
}

/** Bytes at CHUNK (assembly/sm2.ts). */
const CHUNK_SIZE = 4096;

/** The verifier on WebAssembly. */
export interface WasmVerifier extends Sm2Verifier {
  /** As `recover`, with e = SM3(ZA ‖ message), any number below 2^256, in place of the message. */
  recoverFromDigest(e: bigint, signature: Bytes): Bytes | null;
  /** How many keys have a table. */
  tableCount(): number;
  /** How many tables were built since the start. */
  tablesBuilt(): number;
}

/**
 * Starts the module, some 4 ms: it multiplies the base point. One instance reserves 19 MB of memory:
 * 0.3 MB are used at once, 36 KiB more with each key that comes again, up to 512 keys. It belongs to
 * one thread.
 *
 * @throws when the module cannot be compiled or started
 */
export async function loadWasmVerifier(module: Bytes = SM2_MODULE): Promise<WasmVerifier> {
  const { instance } = await WebAssembly.instantiate(module.slice());
  // that it is so is the compiler's matter, and the known answers would tell
  const exports = instance.exports as unknown as Sm2Exports;
  // the memory never grows, so the views stay valid
  const memory = new Uint8Array(exports.memory.buffer);
  const at = (address: WebAssembly.Global, size: number) =>
    memory.subarray(Number(address.value), Number(address.value) + size);
  const signaturePlace = at(exports.SIGNATURE, 128);
  const chunk = at(exports.CHUNK, CHUNK_SIZE);
  const digest = at(exports.DIGEST, 32);
  const address = at(exports.PUBLIC_KEY_HASH, 32).subarray(12);
  return {
    implementation: "wasm",
    recover(message, signature) {
      signaturePlace.set(signature);
      exports.begin();
      for (let start = 0; start < message.length; start += CHUNK_SIZE) {
        const part = message.length <= CHUNK_SIZE
          ? message
          : message.subarray(start, start + CHUNK_SIZE);
        chunk.set(part);
        exports.absorb(part.length);
      }
      return exports.finish() === 1 ? address.slice() : null;
    },
    recoverFromDigest(e, signature) {
      signaturePlace.set(signature);
      digest.set(uintToBytes(e, 32));
      return exports.verifyDigest() === 1 ? address.slice() : null;
    },
    tableCount: () => exports.tableCount(),
    tablesBuilt: () => exports.tablesBuilt(),
  };
}
