import { ctr } from "@noble/ciphers/aes.js";
import { StatusCode } from "../../status/mod.ts";
import { addressOfPublicKey } from "../address.ts";
import { chooseImplementation } from "../fallback.ts";
import { loadKeccak256 } from "../hash/mod.ts";
import type { CryptoSuite, KeyCipher } from "../suite.ts";
import { loadNativeEngine, NOBLE_ENGINE, type Secp256k1Engine } from "./engine.ts";
import { testEngine } from "./known_answers.ts";

/** r ‖ s ‖ recovery id. */
const SIGNATURE_SIZE = 65;

/** AES-128-CTR; the iv is the first counter block, counted up as one 128-bit number. */
const AES_CTR: KeyCipher = {
  encrypt: (key, iv, plain) => ctr(key, iv).encrypt(plain),
  decrypt: (key, iv, encrypted) => ctr(key, iv).decrypt(encrypted),
};

/**
 * Loads secp256k1 with Keccak-256 (spec/storage_kms.md, B3). The curve is native code; should that
 * not work here, noble. `loadEngine` is for tests of that.
 */
export async function loadEthSuite(
  loadEngine: () => Promise<Secp256k1Engine> = loadNativeEngine,
): Promise<CryptoSuite> {
  const hash = await loadKeccak256();
  const { implementation: engine, fallbackReason } = await chooseImplementation({
    name: "the native secp256k1",
    load: loadEngine,
    selfTest: testEngine,
    fallback: NOBLE_ENGINE,
  });
  const isSecretKey: CryptoSuite["isSecretKey"] = (secretKey) =>
    secretKey.length === 32 && engine.isSecretKey(secretKey);
  return {
    name: "eth",
    implementation: engine.name,
    fallbackReason,
    signatureSize: SIGNATURE_SIZE,
    hash,
    keyCipher: AES_CTR,
    generateSecretKey() {
      for (;;) {
        const secretKey = crypto.getRandomValues(new Uint8Array(32));
        if (isSecretKey(secretKey)) return secretKey;
      }
    },
    isSecretKey,
    publicKeyOf: (secretKey) => engine.publicKeyOf(secretKey),
    addressOf: (publicKey) => addressOfPublicKey(hash, publicKey),
    canSign: (message) => message.length === 32,
    sign: (secretKey, message) => engine.sign(secretKey, message),
    recover(message, signature) {
      if (signature.length !== SIGNATURE_SIZE) {
        return { kind: "refused", code: StatusCode.SigLenError };
      }
      const isWellFormed = message.length === 32 && (signature[64] ?? 0) <= 3;
      const publicKey = isWellFormed ? engine.recover(message, signature) : null;
      if (publicKey === null) return { kind: "refused", code: StatusCode.SigCheckError };
      return { kind: "signer", address: addressOfPublicKey(hash, publicKey) };
    },
  };
}
