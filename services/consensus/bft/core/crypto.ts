import { type Bytes, toHex } from "../../../../shared/bytes/mod.ts";
import { type AddressHex, type HashHex, withBincode } from "./bincode.ts";
import { type Proposal, type SignedVote, type Vote, writeProposal, writeVote } from "./messages.ts";

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

/** The hash that the signature of a vote signs (spec/consensus.md, section 3.3). */
export function hashVote(crypto: CoreCrypto, vote: Vote): Bytes {
  return withBincode((writer) => writeVote(writer, vote), (bytes) => crypto.hash(bytes));
}

/** The hash that the signature of a proposal signs. */
export function hashProposal(crypto: CoreCrypto, proposal: Proposal): Bytes {
  return withBincode((writer) => writeProposal(writer, proposal), (bytes) => crypto.hash(bytes));
}

/** Who signed the data of a hash; null for a signature that is not one. */
export function signerOfHash(
  crypto: CoreCrypto,
  { hash, signature }: { readonly hash: Bytes; readonly signature: Bytes },
): AddressHex | null {
  const address = crypto.recover(hash, signature);
  return address === null ? null : toHex(address);
}

/** Who signed a vote; always over its canonical encoding. */
export function voterOf(crypto: CoreCrypto, { vote, signature }: SignedVote): AddressHex | null {
  return signerOfHash(crypto, { hash: hashVote(crypto, vote), signature });
}
