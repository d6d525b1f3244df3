import { type Bytes, bytesToUint, concatBytes } from "../../../../shared/bytes/mod.ts";
import { sha256 } from "../../../../shared/crypto/mod.ts";
import { BASE58_DIGITS, type Multiaddr } from "../../multiaddr.ts";

/** In front of the hash: the kind of the hash, SHA-256, and its size. */
const MULTIHASH_PREFIX = Uint8Array.of(0x12, 0x20);

/** The id of a node by its public key of 33 bytes, as in `/p2p/<id>` (spec/network.md, 9). */
export function peerIdOf(publicKey: Bytes): string {
  let value = bytesToUint(concatBytes(MULTIHASH_PREFIX, sha256(publicKey)));
  let text = "";
  for (; value > 0n; value /= 58n) text = `${BASE58_DIGITS[Number(value % 58n)]}${text}`;
  return text;
}

/** The id that an address names; null when it names none. */
export function peerIdIn({ components }: Multiaddr): string | null {
  return components.find(({ name }) => name === "p2p")?.value ?? null;
}
