import { type Bytes, concatBytes } from "../../../../../shared/bytes/mod.ts";
import {
  aeadKeySize,
  type AeadName,
  type AgreementName,
  type DigestName,
  hmacOf,
  sha256,
} from "../../../../../shared/crypto/mod.ts";
import type { Propose } from "./messages.ts";

/** What a side can do, its favourite first: what this runtime does fastest. */
const AGREEMENTS: readonly AgreementName[] = ["X25519", "P-256", "P-384"];
const CIPHERS: readonly AeadName[] = ["CHACHA20_POLY1305", "AES-128-GCM", "AES-256-GCM"];
const DIGESTS: readonly DigestName[] = ["SHA256", "SHA512"];

/** The lists of an own proposal. */
export const OWN_LISTS = {
  agreements: AGREEMENTS.join(","),
  ciphers: CIPHERS.join(","),
  digests: DIGESTS.join(","),
};

/** What both sides came to independently. */
export interface Choice {
  /** Whether the lists and the first half of the keys are this side's to choose. */
  readonly isFirst: boolean;
  readonly agreement: AgreementName;
  readonly cipher: AeadName;
  readonly digest: DigestName;
}

/** Chooses the algorithms; a text says why there is no choice (spec/network.md, 9, step 2). */
export function choose(own: Propose, peer: Propose): Choice | string {
  const order = compare(
    sha256(concatBytes(peer.publicKey, own.nonce)),
    sha256(concatBytes(own.publicKey, peer.nonce)),
  );
  if (order === 0) return "the peer proposes what this node does";
  const isFirst = order > 0;
  const pick = <Name extends string>(known: readonly Name[], theirs: string): Name | undefined => {
    const names = theirs.split(",");
    const isKnown = (name: string): name is Name => known.some((own) => own === name);
    return isFirst ? known.find((name) => names.includes(name)) : names.find(isKnown);
  };
  const agreement = pick(AGREEMENTS, peer.agreements);
  const cipher = pick(CIPHERS, peer.ciphers);
  const digest = pick(DIGESTS, peer.digests);
  if (agreement === undefined || cipher === undefined || digest === undefined) {
    return "no common algorithms";
  }
  return { isFirst, agreement, cipher, digest };
}

/** The keys of one connection. */
export interface ChannelKeys {
  /** Encrypts what this side sends. */
  readonly own: Bytes;
  /** Encrypts what the peer sends. */
  readonly peer: Bytes;
}

/** Behind the key of each half, unused by ciphers that check by themselves. */
const MAC_KEY_SIZE = 20;

/** In front of the key of each half, unused since the nonce is a counter. */
const IV_SIZE = 12;

const SEED = new TextEncoder().encode("key expansion");

/** Derives the keys of both directions from the shared secret (section 9, step 4). */
export function deriveKeys({ digest, cipher, isFirst }: Choice, secret: Bytes): ChannelKeys {
  const keySize = aeadKeySize(cipher);
  const halfSize = IV_SIZE + keySize + MAC_KEY_SIZE;
  const stretched = stretch({ digest, secret, size: 2 * halfSize });
  const first = stretched.slice(IV_SIZE, IV_SIZE + keySize);
  const second = stretched.slice(halfSize + IV_SIZE, halfSize + IV_SIZE + keySize);
  return isFirst ? { own: first, peer: second } : { own: second, peer: first };
}

/** What is stretched to which size. */
export interface Stretching {
  readonly digest: DigestName;
  readonly secret: Bytes;
  readonly size: number;
}

/** Makes as many bytes of a secret as are needed. */
export function stretch({ digest, secret, size }: Stretching): Bytes {
  const blocks: Bytes[] = [];
  let state = hmacOf(digest, secret, SEED);
  for (let made = 0; made < size; made += state.length) {
    blocks.push(hmacOf(digest, secret, concatBytes(state, SEED)));
    state = hmacOf(digest, secret, state);
  }
  return concatBytes(...blocks).subarray(0, size);
}

function compare(left: Bytes, right: Bytes): number {
  for (const [index, byte] of left.entries()) {
    const difference = byte - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
