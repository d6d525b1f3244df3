import { type Bytes, fromHex } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";
import type { AddressHex } from "../bft/core/bincode.ts";
import type { CoreCrypto } from "../bft/core/crypto.ts";

const ADDRESS_SIZE = 20;
const HASH_SIZE = 32;
const NONCE_SIZE = 8;

/** A quick stand-in: a signature is nonce ‖ address ‖ hash, so that two of the same differ. */
export const FAKE_CRYPTO: CoreCrypto = {
  hash(data) {
    // two unlike lanes of 32 bits: nobody attacks it, and chance must not find two equal hashes
    let low = data.length;
    let high = ~data.length;
    for (let i = 0; i < data.length; i++) {
      const byte = data[i] ?? 0;
      low = Math.imul(low ^ byte, 0x01000193);
      high = Math.imul(high ^ (high >>> 15) ^ byte, 0x2c1b3c6d);
    }
    const hash = new Uint8Array(HASH_SIZE);
    for (let offset = 0; offset < HASH_SIZE; offset += 8) {
      low = Math.imul(low ^ (low >>> 16), 0x297a2d39);
      high = Math.imul(high ^ (high >>> 15), 0x3243f6a9) ^ low;
      putU32(hash, offset, low);
      putU32(hash, offset + 4, high);
    }
    return hash;
  },
  recover(hash, signature) {
    if (signature.length !== NONCE_SIZE + ADDRESS_SIZE + HASH_SIZE) return null;
    for (let i = 0; i < HASH_SIZE; i++) {
      if (signature[NONCE_SIZE + ADDRESS_SIZE + i] !== hash[i]) return null;
    }
    return signature.subarray(NONCE_SIZE, NONCE_SIZE + ADDRESS_SIZE);
  },
};

function putU32(bytes: Bytes, offset: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[offset + i] = value >>> (8 * i);
}

/** Signs as any address; each signature is another one, as with SM2. */
export class FakeSigner {
  readonly #random;

  constructor(seed = 1) {
    this.#random = seededRandom(seed);
  }

  sign(address: AddressHex, hash: Bytes): Bytes {
    const signature = new Uint8Array(NONCE_SIZE + ADDRESS_SIZE + HASH_SIZE);
    for (let i = 0; i < NONCE_SIZE; i += 4) putU32(signature, i, this.#random() * 2 ** 32);
    signature.set(addressBytes(address), NONCE_SIZE);
    signature.set(hash, NONCE_SIZE + ADDRESS_SIZE);
    return signature;
  }
}

/** Bytes of addresses: nets name few of them again and again. */
const ADDRESSES = new Map<AddressHex, Bytes>();

/** The bytes of an address. */
export function addressBytes(address: AddressHex): Bytes {
  const known = ADDRESSES.get(address);
  if (known !== undefined) return known;
  const bytes = fromHex(address);
  ADDRESSES.set(address, bytes);
  return bytes;
}

/** The address of the validator with a number. */
export function fakeAddress(index: number): AddressHex {
  return (0xa0 + index).toString(16).repeat(ADDRESS_SIZE);
}
