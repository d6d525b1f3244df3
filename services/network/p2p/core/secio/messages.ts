/**
 * The two messages of a handshake, which both sides send (spec/network.md, section 9).
 *
 * @module
 */

import type { Bytes } from "../../../../../shared/bytes/mod.ts";
import {
  decodeItems,
  decodeUnion,
  decodeVector,
  encodeItems,
  encodeUnion,
  encodeVector,
} from "../molecule.ts";

/** Who a side is and what it can do. Lists are names joined by commas, the favourite first. */
export interface Propose {
  /** 16 random bytes. */
  readonly nonce: Bytes;
  /** Compressed key on secp256k1, 33 bytes. */
  readonly publicKey: Bytes;
  readonly agreements: string;
  readonly ciphers: string;
  readonly digests: string;
}

/** The key of this connection, and the proof that it is of who proposed. */
export interface Exchange {
  readonly publicKey: Bytes;
  /** DER. */
  readonly signature: Bytes;
}

/** The only kind of public keys, and their size: another form of a key would be another id. */
const SECP256K1_KIND = 0;
const PUBLIC_KEY_SIZE = 33;

/** Size of a nonce of an honest peer; others may be shorter, longer ones have no use. */
const NONCE_SIZE_MAX = 64;

const UTF8 = new TextEncoder();
const LATIN1 = new TextDecoder("latin1");

/** Encodes a proposal as a table of five vectors. */
export function encodePropose(propose: Propose): Bytes {
  const { nonce, publicKey, agreements, ciphers, digests } = propose;
  const key = encodeUnion(SECP256K1_KIND, encodeVector(publicKey));
  const lists = [agreements, ciphers, digests].map((names) => UTF8.encode(names));
  return encodeItems([nonce, key, ...lists].map((content) => encodeVector(content)));
}

/** Decodes a proposal; null when it is malformed. Fields of later versions are ignored. */
export function decodePropose(bytes: Bytes): Propose | null {
  const [nonce, key, agreements, ciphers, digests] = decodeVectors(bytes);
  if (!nonce || !key || !agreements || !ciphers || !digests) return null;
  const vector = decodeUnion(SECP256K1_KIND, key);
  const publicKey = vector === null ? null : decodeVector(vector);
  if (publicKey?.length !== PUBLIC_KEY_SIZE) return null;
  if (nonce.length === 0 || nonce.length > NONCE_SIZE_MAX) return null;
  const text = (names: Bytes) => LATIN1.decode(names);
  return {
    nonce,
    publicKey,
    agreements: text(agreements),
    ciphers: text(ciphers),
    digests: text(digests),
  };
}

/** Encodes an exchange as a table of two vectors. */
export function encodeExchange({ publicKey, signature }: Exchange): Bytes {
  return encodeItems([publicKey, signature].map((content) => encodeVector(content)));
}

/** Decodes an exchange; null when it is malformed. Fields of later versions are ignored. */
export function decodeExchange(bytes: Bytes): Exchange | null {
  const [publicKey, signature] = decodeVectors(bytes);
  return publicKey && signature ? { publicKey, signature } : null;
}

function decodeVectors(bytes: Bytes): (Bytes | null)[] {
  return (decodeItems(bytes) ?? []).map((item) => decodeVector(item));
}
