import { type HashFunction, loadKeccak256 } from "../../../shared/crypto/mod.ts";

/**
 * Loads the Keccak-256 of the state, the contracts and the logs (spec/executor_evm.md, 2).
 *
 * 110 bytes take 0.9-1.2 µs, of which 0.4 µs are the hash and the rest is the fresh result. To
 * drive the WebAssembly module past the library's interface was measured at 0.8-1.05 µs: too
 * little to reach into its internals.
 */
export function loadFastKeccak(): Promise<HashFunction> {
  return loadKeccak256();
}
