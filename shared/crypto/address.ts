import type { Bytes } from "../bytes/mod.ts";
import type { HashFunction } from "./suite.ts";

/** Last 20 bytes of the hash of a public key of 64 bytes (spec/protocol.md, section 13). */
export function addressOfPublicKey(hash: HashFunction, publicKey: Bytes): Bytes {
  return hash(publicKey).subarray(12);
}
