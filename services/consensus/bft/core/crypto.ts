import { type Bytes, toHex } from "../../../../shared/bytes/mod.ts";
import type { AddressHex, HashHex } from "./bincode.ts";
import { encodeVote, type SignedVote } from "./messages.ts";

/** The chain's hash and signature check; signing is a request to the kms, it has the key. */
export interface CoreCrypto {
  hash(data: Bytes): Bytes;
  /** The signer's address; null for a signature that is not one. */
  recover(hash: Bytes, signature: Bytes): Bytes | null;
}

/** The chain's hash of some data, as hex. */
export function hashHex(crypto: CoreCrypto, data: Bytes): HashHex {
  return toHex(crypto.hash(data));
}

/** Who signed some data; null for a signature that is not one. */
export function signerOf(
  crypto: CoreCrypto,
  { data, signature }: { readonly data: Bytes; readonly signature: Bytes },
): AddressHex | null {
  return signerOfHash(crypto, { hash: crypto.hash(data), signature });
}

/** Who signed the data of a hash; null for a signature that is not one. */
export function signerOfHash(
  crypto: CoreCrypto,
  { hash, signature }: { readonly hash: Bytes; readonly signature: Bytes },
): AddressHex | null {
  const address = crypto.recover(hash, signature);
  return address === null ? null : toHex(address);
}

/** Who signed a vote; always over its canonical encoding (spec/consensus.md, section 3.3). */
export function voterOf(crypto: CoreCrypto, { vote, signature }: SignedVote): AddressHex | null {
  return signerOf(crypto, { data: encodeVote(vote), signature });
}
