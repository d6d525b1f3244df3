import { type Bytes, u32be } from "../../../../../shared/bytes/mod.ts";
import {
  AEAD_NONCE_SIZE,
  AEAD_TAG_SIZE,
  type AeadName,
  openAead,
  sealAead,
} from "../../../../../shared/crypto/mod.ts";

/** Plain bytes of one frame at most: small enough that a vote behind it is not delayed. */
const PLAIN_SIZE_MAX = 64 * 1024;

/** One direction of a channel: a key, and the number of the frame as the nonce. */
abstract class Direction {
  /** Little-endian; the first frame has the number 1, and no connection lives for 2^96 frames. */
  readonly #nonce = new Uint8Array(AEAD_NONCE_SIZE);

  constructor(protected readonly cipher: AeadName, protected readonly key: Bytes) {}

  protected nextNonce(): Bytes {
    for (const [index, byte] of this.#nonce.entries()) {
      this.#nonce[index] = byte + 1; // wraps to 0, with a carry to the next byte
      if (byte !== 0xff) break;
    }
    return this.#nonce;
  }
}

/** Encrypts what this side sends (spec/network.md, section 9, step 5). */
export class FrameSealer extends Direction {
  /** Takes up to 64 KiB off the front of the bytes and makes a frame of them. */
  seal(bytes: Bytes): { readonly frame: readonly Bytes[]; readonly taken: number } {
    const plain = bytes.subarray(0, PLAIN_SIZE_MAX);
    const use = { name: this.cipher, key: this.key, nonce: this.nextNonce() };
    const sealed = sealAead(use, plain);
    return { frame: [u32be(sealed.length), sealed], taken: plain.length };
  }
}

/** Decrypts what the peer sends. */
export class FrameOpener extends Direction {
  /** The plain bytes of a frame without its length; null when somebody has changed it. */
  open(frame: Bytes): Bytes | null {
    if (frame.length < AEAD_TAG_SIZE) return null;
    return openAead({ name: this.cipher, key: this.key, nonce: this.nextNonce() }, frame);
  }
}
