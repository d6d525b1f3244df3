import { type Bytes, concatBytes, equalBytes, fromHex } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import type { AddressHex } from "../bft/core/bincode.ts";
import type { CoreCrypto } from "../bft/core/crypto.ts";
import { sipHash13 } from "../../../shared/wal/mod.ts";

const ADDRESS_SIZE = 20;
const HASH_SIZE = 32;
const NONCE_SIZE = 8;

/** A quick stand-in: a signature is nonce ‖ address ‖ hash, so that two of the same differ. */
export const FAKE_CRYPTO: CoreCrypto = {
  hash(data) {
    const input = concatBytes(Uint8Array.of(0), data);
    const parts = [1, 2, 3, 4].map((salt) => {
      input[0] = salt;
      return sipHash13(input);
    });
    return concatBytes(...parts);
  },
  recover(hash, signature) {
    if (signature.length !== NONCE_SIZE + ADDRESS_SIZE + HASH_SIZE) return null;
    const isValid = equalBytes(signature.subarray(NONCE_SIZE + ADDRESS_SIZE), hash);
    return isValid ? signature.slice(NONCE_SIZE, NONCE_SIZE + ADDRESS_SIZE) : null;
  },
};

/** Signs as any address; each signature is another one, as with SM2. */
export class FakeSigner {
  readonly #random;

  constructor(seed = 1) {
    this.#random = seededRandom(seed);
  }

  sign(address: AddressHex, hash: Bytes): Bytes {
    const nonce = Uint8Array.from({ length: NONCE_SIZE }, () => Math.floor(this.#random() * 256));
    return concatBytes(nonce, fromHex(address), hash);
  }
}

/** The address of the validator with a number. */
export function fakeAddress(index: number): AddressHex {
  return (0xa0 + index).toString(16).repeat(ADDRESS_SIZE);
}
