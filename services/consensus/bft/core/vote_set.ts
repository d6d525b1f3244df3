import type { AddressHex, HashHex } from "./bincode.ts";
import type { SignedVote, WireVoteSet } from "./messages.ts";
import { ZERO_HASH } from "./messages.ts";

/**
 * Votes of one height, round and step, one per validator. Whoever adds one has checked its
 * signature and that the signer is a validator.
 */
export class VoteSet {
  readonly #bySender = new Map<AddressHex, SignedVote>();
  readonly #countByHash = new Map<HashHex, number>();

  /**
   * Adds the vote of a sender unless it has one already: a different one is evidence, not a
   * correction.
   *
   * @returns the first vote, when this one contradicts it
   */
  add(sender: AddressHex, signed: SignedVote): SignedVote | null {
    const hash = hashOf(signed);
    const first = this.#bySender.get(sender);
    if (first !== undefined) return hashOf(first) === hash ? null : first;
    this.#bySender.set(sender, signed);
    this.#countByHash.set(hash, this.countOf(hash) + 1);
    return null;
  }

  /** How many validators voted, for whatever. */
  get count(): number {
    return this.#bySender.size;
  }

  /** Who voted. */
  get senders(): AddressHex[] {
    return [...this.#bySender.keys()];
  }

  /** What was voted for; nil votes are for {@linkcode ZERO_HASH}. */
  get hashes(): HashHex[] {
    return [...this.#countByHash.keys()];
  }

  /** How many voted for a hash; nil votes count for {@linkcode ZERO_HASH}. */
  countOf(hash: HashHex): number {
    return this.#countByHash.get(hash) ?? 0;
  }

  /** The block with most votes, the lowest hash of several; null when nobody voted for one. */
  bestBlock(): { readonly hash: HashHex; readonly count: number } | null {
    let best: { hash: HashHex; count: number } | null = null;
    for (const [hash, count] of this.#countByHash) {
      if (hash === ZERO_HASH) continue;
      const isBetter = best === null || count > best.count ||
        (count === best.count && hash < best.hash);
      if (isBetter) best = { hash, count };
    }
    return best;
  }

  /** Votes for a hash with their senders, by ascending sender, as a leader vote lists them. */
  entriesFor(hash: HashHex): [AddressHex, SignedVote][] {
    return [...this.#bySender]
      .filter(([, signed]) => hashOf(signed) === hash)
      .sort(([left], [right]) => left < right ? -1 : 1);
  }
}

/** Votes for one hash as the set that a proposal carries to prove a lock. */
export function toWireVoteSet(
  hash: HashHex,
  votesBySender: readonly (readonly [AddressHex, SignedVote])[],
): WireVoteSet {
  const count = BigInt(votesBySender.length);
  return { votesBySender, countsByHash: [[hash, count]], count };
}

function hashOf({ vote }: SignedVote): HashHex {
  return vote.hash ?? ZERO_HASH;
}
