/**
 * Hashes and signatures of both suites behind one interface.
 *
 * @module
 */

export { loadKeccak256, loadSm3 } from "./hash/mod.ts";
export { loadSuite } from "./load.ts";
export { loadPrecompileCrypto, type PrecompileCrypto } from "./precompile.ts";
export type { CryptoSuite, HashFunction, KeyCipher, Recovery, SuiteName } from "./suite.ts";
