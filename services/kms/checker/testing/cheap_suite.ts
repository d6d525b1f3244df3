import { type Bytes, equalBytes } from "../../../../shared/bytes/mod.ts";
import type { CryptoSuite, HashFunction } from "../../../../shared/crypto/mod.ts";
import { StatusCode } from "../../../../shared/status/mod.ts";

/** FNV-1a spread over 32 bytes. */
const cheapHash: HashFunction = (data) => {
  let state = 0x811c9dc5;
  for (const byte of data) state = Math.imul(state ^ byte, 0x01000193);
  return Uint8Array.from({ length: 32 }, (_, index) => {
    state = Math.imul(state ^ index, 0x01000193);
    return state >>> 24;
  });
};

/** The signature of a message: the sender (20 bytes) and the message. */
export function cheapSignature(sender: Bytes, message: Bytes): Bytes {
  return Uint8Array.from([...sender, ...message]);
}

const notNeeded = (): never => {
  throw new Error("Not needed here");
};

/** A suite whose checks cost next to nothing, to test what decides about checks. */
export const CHEAP_SUITE: CryptoSuite = {
  name: "sm",
  fallbackReason: null,
  implementation: "cheap",
  signatureSize: 52,
  hash: cheapHash,
  keyCipher: { encrypt: notNeeded, decrypt: notNeeded },
  generateSecretKey: notNeeded,
  isSecretKey: notNeeded,
  publicKeyOf: notNeeded,
  addressOf: notNeeded,
  canSign: notNeeded,
  sign: notNeeded,
  recover(message, signature) {
    if (signature.length !== 52) return { kind: "refused", code: StatusCode.SigLenError };
    if (!equalBytes(signature.subarray(20), message)) {
      return { kind: "refused", code: StatusCode.SigCheckError };
    }
    return { kind: "signer", address: signature.subarray(0, 20) };
  },
};
