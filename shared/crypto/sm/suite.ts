import { StatusCode } from "../../status/mod.ts";
import { addressOfPublicKey } from "../address.ts";
import { loadSm3 } from "../hash/mod.ts";
import type { CryptoSuite } from "../suite.ts";
import { createDigest } from "./digest.ts";
import { generateSmSecretKey, isSmSecretKey, signSm, smPublicKeyOf } from "./signer.ts";
import { SM4_CFB } from "./sm4.ts";
import { createNobleVerifier } from "./verifier.ts";

/** r ‖ s ‖ public key. */
const SIGNATURE_SIZE = 128;

/** Loads SM2 with SM3 (spec/storage_kms.md, B3). */
export async function loadSmSuite(): Promise<CryptoSuite> {
  const hash = await loadSm3();
  const digest = createDigest(hash);
  const verifier = createNobleVerifier(digest);
  return {
    name: "sm",
    implementation: "noble",
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
      if (!verifier.verify(message, signature)) {
        return { kind: "refused", code: StatusCode.SigCheckError };
      }
      return { kind: "signer", address: addressOfPublicKey(hash, signature.subarray(64)) };
    },
  };
}
