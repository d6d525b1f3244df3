import assert from "node:assert/strict";
import type { RaftView } from "../../../services/consensus/raft/core/raft.ts";
import {
  type Entry,
  EntryType,
  type Message,
  MessageType,
} from "../../../services/consensus/raft/core/messages.ts";
import { equalBytes, toHex } from "../../../shared/bytes/mod.ts";
import { type AppState, nextState } from "./application.ts";

/** An entry that was committed, and when. */
interface Decided {
  readonly entry: Entry;
  /** Term of the leader that committed it. */
  readonly committedIn: bigint;
  /** State of the application after it. */
  readonly state: AppState;
}

/** An entry as some node stored it, and what it followed. */
interface Stored {
  readonly entry: Entry;
  readonly previousTerm: bigint;
}

/** What must hold whatever happens; all nodes report to it, and the first violation throws. */
export class RaftInvariants {
  readonly #leaderOf = new Map<bigint, bigint>();
  readonly #voteOf = new Map<string, bigint>();
  readonly #storedAt = new Map<string, Stored>();
  readonly #decided = new Map<bigint, Decided>();
  readonly #proposals = new Set<string>();
  /** How far the commits of a node have been looked at, from its start on. */
  readonly #lookedAt = new WeakMap<RaftView, bigint>();
  /** Called when a leader was elected, and when an entry was committed. */
  onLeader: () => void = () => {};
  onDecided: (entry: Entry) => void = () => {};
  #last: AppState;

  constructor(start: AppState) {
    this.#last = start;
  }

  /** Every entry up to here is committed. */
  get height(): bigint {
    return this.#last.index;
  }

  /** How many proposals are committed; leaders add empty entries, and members change. */
  get proposals(): number {
    return this.#proposals.size;
  }

  /** Looks at a node after each of its steps. */
  onStep(node: RaftView): void {
    const { log: { committed }, role, term, id } = node;
    const lookedAt = this.#lookedAt.get(node) ?? 0n;
    if (committed > lookedAt) {
      this.#onCommit(node, lookedAt + 1n);
      this.#lookedAt.set(node, committed);
    }
    assert(committed >= lookedAt, `${id} takes back what it committed`);
    if (role === "leader" && this.#leaderOf.get(term) !== id) this.#onLeader(node);
  }

  /** A vote leaves, as a candidate's own: there is one per node and term, also after a restart. */
  onSend({ msgType, from, to, term, reject }: Message): void {
    const isCandidate = msgType === MessageType.REQUEST_VOTE;
    if (!isCandidate && (msgType !== MessageType.REQUEST_VOTE_RESPONSE || reject)) return;
    const key = `${from}/${term}`;
    const candidate = isCandidate ? from : to;
    const first = this.#voteOf.get(key) ?? candidate;
    assert.equal(candidate, first, `${from} votes twice in term ${term}`);
    this.#voteOf.set(key, candidate);
  }

  /** A node applied an entry or installed a snapshot. */
  onApplied(id: bigint, { index, digest }: AppState): void {
    const decided = this.#decided.get(index);
    assert.equal(digest, decided?.state.digest, `${id} has another state at ${index}`);
  }

  /**
   * A node stores entries: where two logs have the same index and term, they are the same up to
   * there. So they are if every such entry follows the same one.
   */
  onStored(entries: readonly Entry[], termBefore: bigint): void {
    let previousTerm = termBefore;
    for (const entry of entries) {
      const key = `${entry.index}/${entry.term}`;
      const first = this.#storedAt.get(key);
      if (first === undefined) this.#storedAt.set(key, { entry, previousTerm });
      else {
        expectSame(entry, first.entry, "logs differ");
        assert.equal(previousTerm, first.previousTerm, `logs differ before ${key}`);
      }
      previousTerm = entry.term;
    }
  }

  #onCommit({ id, term, log }: RaftView, from: bigint): void {
    const first = from > log.firstIndex ? from : log.firstIndex;
    for (const entry of log.slice(first, log.committed)) {
      const decided = this.#decided.get(entry.index);
      if (decided === undefined) this.#decide(entry, term);
      else expectSame(entry, decided.entry, `${id} commits another entry`);
    }
  }

  #decide(entry: Entry, committedIn: bigint): void {
    this.#last = nextState(this.#last, entry);
    this.#decided.set(entry.index, { entry, committedIn, state: this.#last });
    this.onDecided(entry);
    if (entry.entryType !== EntryType.ENTRY_NORMAL || entry.data.length === 0) return;
    const proposal = toHex(entry.data);
    assert(!this.#proposals.has(proposal), `a proposal is committed again at ${entry.index}`);
    this.#proposals.add(proposal);
  }

  #onLeader({ id, term, log }: RaftView): void {
    assert.equal(this.#leaderOf.get(term) ?? id, id, `two leaders in term ${term}`);
    this.#leaderOf.set(term, id);
    this.onLeader();
    for (const { entry: { index, term: entryTerm }, committedIn } of this.#decided.values()) {
      if (committedIn >= term || index < log.firstIndex) continue;
      assert.equal(log.termAt(index), entryTerm, `leader ${id} of ${term} lacks entry ${index}`);
    }
  }
}

function expectSame(entry: Entry, first: Entry, problem: string): void {
  const isSame = entry === first ||
    (entry.term === first.term && entry.entryType === first.entryType &&
      equalBytes(entry.data, first.data));
  assert(isSame, `${problem} at ${entry.index}: ${textOf(entry)}, not ${textOf(first)}`);
}

function textOf({ term, entryType, data }: Entry): string {
  return `${term}/${entryType}/${toHex(data)}`;
}
