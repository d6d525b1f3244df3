/**
 * The hash functions of both suites, on WebAssembly.
 *
 * @module
 */

import { createKeccak, createSM3 } from "hash-wasm";
import type { HashFunction } from "../suite.ts";

/** Loads SM3; one instance per caller, the work is a few milliseconds. */
export async function loadSm3(): Promise<HashFunction> {
  const hasher = await createSM3();
  return (data) => hasher.init().update(data).digest("binary");
}

/** Loads Keccak-256 with the original padding (not SHA3-256). */
export async function loadKeccak256(): Promise<HashFunction> {
  const hasher = await createKeccak(256);
  return (data) => hasher.init().update(data).digest("binary");
}
