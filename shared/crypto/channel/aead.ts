import { createCipheriv, createDecipheriv } from "node:crypto";
import { type Bytes, concatBytes } from "../../bytes/mod.ts";

/** Encryption with a check value, by the names that secio gives them. */
export type AeadName = "AES-128-GCM" | "AES-256-GCM" | "CHACHA20_POLY1305";

/** Size of the check value behind the encrypted bytes. */
export const AEAD_TAG_SIZE = 16;

/** Size of a nonce, which must never be used twice with one key. */
export const AEAD_NONCE_SIZE = 12;

/** The name in node:crypto, whose code is native, and the size of the key. */
const AEADS = {
  "AES-128-GCM": { cipher: "aes-128-gcm", keySize: 16 },
  "AES-256-GCM": { cipher: "aes-256-gcm", keySize: 32 },
  "CHACHA20_POLY1305": { cipher: "chacha20-poly1305", keySize: 32 },
} as const;

const OPTIONS = { authTagLength: AEAD_TAG_SIZE };

/** What bytes are encrypted with. */
export interface AeadUse {
  readonly name: AeadName;
  readonly key: Bytes;
  readonly nonce: Bytes;
}

/** Size of the key of an algorithm. */
export function aeadKeySize(name: AeadName): number {
  return AEADS[name].keySize;
}

/** Encrypts; the result is the encrypted bytes and the check value. */
export function sealAead({ name, key, nonce }: AeadUse, plain: Bytes): Bytes {
  const cipher = createCipher(name, key, nonce);
  return concatBytes(cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

/** The plain bytes; null when a bit of them, of the key or of the nonce is another. */
export function openAead({ name, key, nonce }: AeadUse, sealed: Bytes): Bytes | null {
  const size = sealed.length - AEAD_TAG_SIZE;
  if (size < 0) return null;
  const decipher = createDecipher(name, key, nonce);
  decipher.setAuthTag(sealed.subarray(size));
  const plain = decipher.update(sealed.subarray(0, size));
  try {
    decipher.final();
  } catch {
    return null; // sizes are right, so that only the check value can be wrong
  }
  return plain;
}

// the types of node:crypto want to know which kind of cipher a name is
function createCipher(name: AeadName, key: Bytes, nonce: Bytes) {
  return name === "CHACHA20_POLY1305"
    ? createCipheriv(AEADS[name].cipher, key, nonce, OPTIONS)
    : createCipheriv(AEADS[name].cipher, key, nonce, OPTIONS);
}

function createDecipher(name: AeadName, key: Bytes, nonce: Bytes) {
  return name === "CHACHA20_POLY1305"
    ? createDecipheriv(AEADS[name].cipher, key, nonce, OPTIONS)
    : createDecipheriv(AEADS[name].cipher, key, nonce, OPTIONS);
}
