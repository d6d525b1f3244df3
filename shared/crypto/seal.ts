import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type Bytes, concatBytes } from "../bytes/mod.ts";

/** Long enough that random nonces of one key never meet. */
const NONCE_SIZE = 24;

const TAG_SIZE = 16;

/**
 * Encrypts with XChaCha20-Poly1305 under a key of 32 bytes and a random nonce.
 *
 * @param context what the result belongs to; it is not in the result, but opens it
 * @returns nonce ‖ encrypted bytes ‖ tag: 40 bytes more than the plain ones
 */
export function seal(key: Bytes, plain: Bytes, context: Bytes): Bytes {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_SIZE));
  return concatBytes(nonce, xchacha20poly1305(key, nonce, context).encrypt(plain));
}

/** The plain bytes; null when the key, the context or a bit of the sealed bytes is another. */
export function unseal(key: Bytes, sealed: Bytes, context: Bytes): Bytes | null {
  if (sealed.length < NONCE_SIZE + TAG_SIZE) return null;
  const nonce = sealed.subarray(0, NONCE_SIZE);
  try {
    return xchacha20poly1305(key, nonce, context).decrypt(sealed.subarray(NONCE_SIZE));
  } catch {
    return null; // sizes are right, so that only the tag can be wrong
  }
}
