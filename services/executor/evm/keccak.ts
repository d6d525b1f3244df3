import { type HashFunction, loadKeccak256 } from "../../../shared/crypto/mod.ts";

/** Loads the Keccak-256 of the state, the contracts and the logs (spec/executor_evm.md, 2). */
export function loadFastKeccak(): Promise<HashFunction> {
  return loadKeccak256();
}
