import { equalBytes } from "../../../../shared/bytes/mod.ts";
import type { AddressHex } from "./bincode.ts";
import { type SignedVote, Step } from "./messages.ts";
import type { At } from "./proposal_book.ts";
import { VoteSet } from "./vote_set.ts";

/** Steps whose votes a leader collects. */
export type CollectedStep = typeof Step.Prevote | typeof Step.Precommit;

interface Entry extends At {
  readonly step: CollectedStep;
  readonly set: VoteSet;
}

/** Votes sent to this node as leader, by height, round and step. */
export class VoteBook {
  readonly #entries = new Map<string, Entry>();

  /** The set of a round, empty at first. */
  of({ height, round }: At, step: CollectedStep): VoteSet {
    const key = `${height}/${round}/${step}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known.set;
    const set = new VoteSet();
    this.#entries.set(key, { height, round, step, set });
    return set;
  }

  /** Rounds of a height with precommits, and those. */
  precommitsOf(height: bigint): { readonly round: bigint; readonly set: VoteSet }[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.height === height && entry.step === Step.Precommit);
  }

  /** Forgets what lies below a height. */
  prune(height: bigint): void {
    for (const [key, entry] of this.#entries) {
      if (entry.height < height) this.#entries.delete(key);
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}

/** The highest round that each validator has given up, by height. */
export class NewViewBook {
  readonly #rounds = new Map<bigint, Map<AddressHex, bigint>>();
  /** The last newview of each validator, its signature checked. */
  readonly #checked = new Map<AddressHex, SignedVote>();

  /** Whose last newview this is; null if it is not known to be of anyone. */
  voterOf(signed: SignedVote): AddressHex | null {
    for (const [voter, known] of this.#checked) if (isSame(known, signed)) return voter;
    return null;
  }

  /** Remembers a newview, since most are repeated many times. */
  remember(voter: AddressHex, signed: SignedVote): void {
    this.#checked.set(voter, signed);
  }

  /** Records that a validator gave up a round and every one before it. */
  add(voter: AddressHex, { height, round }: At): void {
    const rounds = this.#rounds.get(height) ?? new Map<AddressHex, bigint>();
    this.#rounds.set(height, rounds);
    const known = rounds.get(voter);
    if (known === undefined || known < round) rounds.set(voter, round);
  }

  /** The highest round that a validator gave up; null if none. */
  of(voter: AddressHex, height: bigint): bigint | null {
    return this.#rounds.get(height)?.get(voter) ?? null;
  }

  /**
   * The highest round, from the given one on, that `count` validators other than `own` gave up; null
   * if there is none, which is found out quickly.
   */
  reachedByOthers(own: AddressHex, { height, round: least }: At, count: number): bigint | null {
    const known = this.#rounds.get(height);
    if (known === undefined) return null;
    let reached = 0;
    for (const [voter, round] of known) if (round >= least && voter !== own) reached++;
    if (reached < count) return null;
    const rounds = [...known]
      .filter(([voter]) => voter !== own)
      .map(([, round]) => round)
      .sort((left, right) => left < right ? 1 : left > right ? -1 : 0);
    return rounds[count - 1] ?? null;
  }

  /** Forgets what lies below a height. */
  prune(height: bigint): void {
    for (const known of this.#rounds.keys()) if (known < height) this.#rounds.delete(known);
  }

  clear(): void {
    this.#rounds.clear();
    this.#checked.clear();
  }
}

function isSame(left: SignedVote, right: SignedVote): boolean {
  const { height, round, step, hash } = left.vote;
  const { vote } = right;
  if (vote.height !== height || vote.round !== round) return false;
  return vote.step === step && vote.hash === hash && equalBytes(left.signature, right.signature);
}
