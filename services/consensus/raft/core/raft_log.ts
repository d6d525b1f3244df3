import { assert } from "../../../../shared/assert/mod.ts";
import type { Entry } from "./messages.ts";
import { maxOf, minOf } from "./progress.ts";

/** A place in the log. */
export interface Position {
  readonly index: bigint;
  readonly term: bigint;
}

/** The term of an entry, or of the place before the first; null when neither is there. */
export function termAt(
  { start, entries }: { readonly start: Position; readonly entries: readonly Entry[] },
  index: bigint,
): bigint | null {
  if (index === start.index) return start.term;
  return index < start.index ? null : entries[Number(index - start.index) - 1]?.term ?? null;
}

/**
 * The entries after the last compaction, all in memory: blocks leave as soon as they are applied.
 * Those up to `stable` are known to be on disk.
 */
export class RaftLog {
  committed: bigint;
  #stable: bigint;
  /** What was compacted last; the entries begin after it. */
  #start: Position;
  #entries: Entry[];

  constructor(start: Position, entries: readonly Entry[], committed: bigint) {
    this.#start = start;
    this.#entries = [...entries];
    this.#stable = this.lastIndex;
    this.committed = maxOf(committed, start.index);
    assert(this.committed <= this.lastIndex, "Entries that were committed are not in the log");
    assert(entries[0] === undefined || entries[0].index === start.index + 1n, "The log has a gap");
  }

  get stable(): bigint {
    return this.#stable;
  }

  get firstIndex(): bigint {
    return this.#start.index + 1n;
  }

  get lastIndex(): bigint {
    return this.#start.index + BigInt(this.#entries.length);
  }

  get lastTerm(): bigint {
    return this.#entries.at(-1)?.term ?? this.#start.term;
  }

  /** Term of an entry; null when it was compacted or is not there. */
  termAt(index: bigint): bigint | null {
    return termAt({ start: this.#start, entries: this.#entries }, index);
  }

  /** Whether a log that ends there holds everything that this one may have committed. */
  isUpToDate({ index, term }: Position): boolean {
    return term > this.lastTerm || (term === this.lastTerm && index >= this.lastIndex);
  }

  /** The entries of a range, both ends included; none if some of it are compacted. */
  slice(first: bigint, last: bigint): Entry[] {
    if (first < this.firstIndex || last < first) return [];
    return this.#entries.slice(Number(first - this.firstIndex), Number(last - this.firstIndex) + 1);
  }

  /** Entries that are not known to be on disk. */
  unstable(): Entry[] {
    return this.slice(this.#stable + 1n, this.lastIndex);
  }

  /** An entry is on disk, and so are those before it; false when it was replaced meanwhile. */
  stableTo({ index, term }: Position): boolean {
    if (index <= this.#stable || this.termAt(index) !== term) return false;
    this.#stable = index;
    return true;
  }

  /** Adds entries after those present. */
  append(entries: readonly Entry[]): void {
    this.#entries.push(...entries);
  }

  /**
   * Takes the entries of a leader that follow a place where the logs agree. Present entries are
   * removed only from the first that differs: an append that was overtaken must not shorten the log.
   * False when that would undo what is committed, which no honest leader asks for.
   */
  merge(entries: readonly Entry[]): boolean {
    const differing = entries.findIndex(({ index, term }) => this.termAt(index) !== term);
    const first = entries[differing];
    if (first === undefined) return true;
    if (first.index <= this.committed) return false;
    this.#entries.length = Number(first.index - this.firstIndex);
    this.#stable = minOf(this.#stable, first.index - 1n);
    this.append(entries.slice(differing));
    return true;
  }

  /** The last place up to an index whose term is not above a term: where logs may agree. */
  lastAgreement(index: bigint, term: bigint): Position {
    let at = minOf(index, this.lastIndex);
    for (;;) {
      const ownTerm = this.termAt(at);
      if (ownTerm === null || ownTerm <= term) return { index: at, term: ownTerm ?? 0n };
      at--;
    }
  }

  /** Commits up to an index, and tells whether that is further than before. */
  commitTo(index: bigint): boolean {
    if (index <= this.committed || index > this.lastIndex) return false;
    this.committed = index;
    return true;
  }

  /** Forgets entries up to one that was applied. */
  compact(index: bigint): void {
    if (index < this.firstIndex) return;
    const term = this.termAt(index);
    assert(term !== null && index <= this.committed, "Only committed entries can be compacted");
    this.#entries.splice(0, Number(index - this.#start.index));
    this.#start = { index, term };
    this.#stable = maxOf(this.#stable, index);
  }

  /** Starts anew after a snapshot. */
  restart(start: Position): void {
    this.#start = start;
    this.#entries = [];
    this.#stable = start.index;
    this.committed = start.index;
  }
}
