import assert from "node:assert/strict";
import type { RaftView } from "../../../services/consensus/raft/core/raft.ts";
import {
  type Entry,
  type Message,
  MessageType,
} from "../../../services/consensus/raft/core/messages.ts";
import { toHex, u64be } from "../../../shared/bytes/mod.ts";

/** An entry that was committed, and when. */
interface Decided {
  readonly text: string;
  readonly term: bigint;
  /** Term of the leader that committed it. */
  readonly committedIn: bigint;
  /** State of the application after it. */
  readonly state: string;
}

/** State of the application after an entry: it depends on every entry before. */
export function nextState(state: Uint8Array, { index, term, entryType, data }: Entry): Uint8Array {
  let mixed = BigInt(`0x${toHex(state) || "0"}`);
  for (const part of [index, term, BigInt(entryType), ...data]) {
    mixed = BigInt.asUintN(64, (mixed ^ BigInt(part)) * 0x9e3779b97f4a7c15n + 1n);
  }
  return u64be(mixed);
}

/** What must hold whatever happens; all nodes report to it, and the first violation throws. */
export class RaftInvariants {
  readonly #leaderOf = new Map<bigint, bigint>();
  readonly #voteOf = new Map<string, bigint>();
  readonly #decided = new Map<bigint, Decided>();
  #lastState: Uint8Array = new Uint8Array(0);
  /** Every entry up to here is committed. */
  height: bigint;

  constructor(start: bigint) {
    this.height = start;
  }

  /** Looks at a node after each of its steps. */
  onStep(node: RaftView, wasLeader: boolean): void {
    this.#onCommit(node);
    if (node.role === "leader" && !wasLeader) this.#onLeader(node);
  }

  /** A vote leaves: there is one per node and term, also after a restart. */
  onSend({ msgType, from, to, term, reject }: Message): void {
    if (msgType !== MessageType.REQUEST_VOTE_RESPONSE || reject) return;
    const first = this.#voteOf.get(`${from}/${term}`) ?? to;
    assert.equal(to, first, `${from} votes twice in term ${term}`);
    this.#voteOf.set(`${from}/${term}`, to);
  }

  /** A node applied an entry or installed a snapshot. */
  onApplied(id: bigint, index: bigint, state: Uint8Array): void {
    const decided = this.#decided.get(index);
    assert.equal(toHex(state), decided?.state, `${id} has another state at ${index}`);
  }

  /** Where two logs have the same index and term they are the same before. */
  onLogs(left: RaftView["log"], right: RaftView["log"]): void {
    const first = left.firstIndex > right.firstIndex ? left.firstIndex : right.firstIndex;
    let index = left.lastIndex < right.lastIndex ? left.lastIndex : right.lastIndex;
    while (index >= first && left.termAt(index) !== right.termAt(index)) index--;
    const texts = [left, right].map((log) => log.slice(first, index).map(textOf).join());
    assert.equal(texts[0], texts[1], `logs differ before ${index}`);
  }

  #onCommit({ id, term, log }: RaftView): void {
    for (const entry of log.slice(this.height + 1n, log.committed)) {
      this.height = entry.index;
      this.#lastState = nextState(this.#lastState, entry);
      const state = toHex(this.#lastState);
      const decided = { text: textOf(entry), term: entry.term, committedIn: term, state };
      this.#decided.set(entry.index, decided);
    }
    // entries that were checked once do not change: the last ones are enough
    const first = log.committed - 3n > log.firstIndex ? log.committed - 3n : log.firstIndex;
    for (const entry of log.slice(first, log.committed)) {
      assert.equal(textOf(entry), this.#decided.get(entry.index)?.text, `${id} at ${entry.index}`);
    }
  }

  #onLeader({ id, term, log }: RaftView): void {
    assert.equal(this.#leaderOf.get(term) ?? id, id, `two leaders in term ${term}`);
    this.#leaderOf.set(term, id);
    for (const [index, decided] of this.#decided) {
      if (decided.committedIn >= term || index < log.firstIndex) continue;
      assert.equal(log.termAt(index), decided.term, `leader ${id} of ${term} lacks entry ${index}`);
    }
  }
}

function textOf({ index, term, entryType, data }: Entry): string {
  return `${index}/${term}/${entryType}/${toHex(data)}`;
}
