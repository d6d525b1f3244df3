/**
 * Hashes and signatures of both suites behind one interface, and sealing under a password.
 *
 * @module
 */

export {
  AEAD_NONCE_SIZE,
  AEAD_TAG_SIZE,
  aeadKeySize,
  type AeadName,
  type AeadUse,
  openAead,
  sealAead,
} from "./channel/aead.ts";
export {
  AGREEMENT_SEED_SIZE,
  type AgreementKey,
  type AgreementName,
  createAgreementKey,
} from "./channel/key_agreement.ts";
export { type DigestName, hmacOf, randomBytes, sha256 } from "./channel/digest.ts";
export { loadNodeKey, type NodeKey, type SignedDigest } from "./channel/node_key.ts";
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
