/**
 * Hashes and signatures of both suites behind one interface, and sealing under a password.
 *
 * @module
 */

export { loadKeccak256, loadSm3 } from "./hash/mod.ts";
export { loadSuite } from "./load.ts";
export {
  derivePasswordKey,
  generatePasswordSalt,
  PASSWORD_KEY_COST,
  PASSWORD_SALT_SIZE,
  type PasswordKeyCost,
} from "./password_key.ts";
export { loadPrecompileCrypto, type PrecompileCrypto } from "./precompile.ts";
export { seal, unseal } from "./seal.ts";
export type { CryptoSuite, HashFunction, KeyCipher, Recovery, SuiteName } from "./suite.ts";
