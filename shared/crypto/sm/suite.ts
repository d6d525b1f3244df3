import { StatusCode } from "../../status/mod.ts";
import { addressOfPublicKey } from "../address.ts";
import { chooseImplementation } from "../fallback.ts";
import { loadSm3 } from "../hash/mod.ts";
import type { CryptoSuite } from "../suite.ts";
import { createDigest } from "./digest.ts";
import { generateSmSecretKey, isSmSecretKey, signSm, smPublicKeyOf } from "./signer.ts";
import { testVerifier } from "./known_answers.ts";
import { SM4_CFB } from "./sm4.ts";
import { createNobleVerifier, type Sm2Verifier } from "./verifier.ts";
import { loadWasmVerifier } from "./wasm/verifier.ts";

/** r ‖ s ‖ public key. */
const SIGNATURE_SIZE = 128;

/**
 * Loads SM2 with SM3 (spec/storage_kms.md, B3). Signatures are verified in WebAssembly; should the
 * module not work here, on noble. `loadVerifier` is for tests of that.
 */
export async function loadSmSuite(
  loadVerifier: () => Promise<Sm2Verifier> = loadWasmVerifier,
): Promise<CryptoSuite> {
  const hash = await loadSm3();
  const digest = createDigest(hash);
  const { implementation: verifier, fallbackReason } = await chooseImplementation({
    name: "the SM2 module",
    load: loadVerifier,
    selfTest: testVerifier,
    fallback: createNobleVerifier(hash),
  });
  return {
    name: "sm",
    implementation: verifier.implementation,
    fallbackReason,
    signatureSize: SIGNATURE_SIZE,
    hash,
    keyCipher: SM4_CFB,
    generateSecretKey: generateSmSecretKey,
    isSecretKey: isSmSecretKey,
    publicKeyOf: smPublicKeyOf,
    addressOf: (publicKey) => addressOfPublicKey(hash, publicKey),
    canSign: () => true,
    sign: (secretKey, message, publicKey = smPublicKeyOf(secretKey)) =>
      signSm(digest, { secretKey, publicKey }, message),
    recover(message, signature) {
      if (signature.length !== SIGNATURE_SIZE) {
        return { kind: "refused", code: StatusCode.SigLenError };
      }
      const address = verifier.recover(message, signature);
      if (address === null) return { kind: "refused", code: StatusCode.SigCheckError };
      return { kind: "signer", address };
    },
  };
}
