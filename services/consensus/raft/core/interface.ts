/**
 * What the core of raft is created with and what it wants done.
 *
 * @module
 */

import type { Bytes } from "../../../../shared/bytes/mod.ts";
import type { Random } from "../../../../shared/clock/mod.ts";
import type { ConfState, Entry, HardState, Message, Snapshot } from "./messages.ts";
import type { Position } from "./raft_log.ts";

/** Own identity and timing of a node. */
export interface RaftOptions {
  readonly id: bigint;
  /** A leader is heard of at least this often. */
  readonly heartbeatTicks: number;
  /** Without a leader for a random time of one to two times this, a node wants to be it. */
  readonly electionTicks: number;
  /** Whether votes are refused while a leader is of use, and one without a quorum steps down. */
  readonly checksQuorum: boolean;
  /**
   * Whether a node asks if it would win before it raises the term; Rust peers do not. A leader
   * without a quorum steps down then, too.
   */
  readonly asksBeforeElection: boolean;
  readonly random: Random;
}

/** What a node knows at its start: read from disk, or {@linkcode bootstrapState}. */
export interface RaftState {
  readonly hardState: HardState;
  /** Members as of the last applied entry. */
  readonly confState: ConfState;
  readonly applied: bigint;
  /** State of the application after the last applied entry: the data of snapshots. */
  readonly data: Bytes;
  /** Where the entries begin. */
  readonly start: Position;
  readonly entries: readonly Entry[];
}

/**
 * Work for the driver, in the order of the fields. Only one is handed out at a time:
 * the next comes after {@linkcode RaftCore.advance}. Inputs may be fed meanwhile.
 */
export interface Ready {
  /** May leave at once. */
  readonly messages: readonly Message[];
  /** To be stored in place of everything, and the state of the application with it. */
  readonly snapshot: Snapshot | null;
  /** To be stored; they replace what is stored from the index of the first on. */
  readonly entries: readonly Entry[];
  /** To be stored after the entries; null when it is as before. */
  readonly hardState: HardState | null;
  /** May leave when the above is on disk, and not before. */
  readonly persistedMessages: readonly Message[];
  /** To be applied in this order, each followed by {@linkcode RaftCore.applied}. */
  readonly committedEntries: readonly Entry[];
}

/** Every chain of the reference begins with a snapshot at this place (section 9.3). */
const BOOTSTRAP: Position = { index: 5n, term: 5n };

/** State of a node that founds a group together with the other voters. */
export function bootstrapState(voters: readonly bigint[]): RaftState {
  const confState = { ...blankState().confState, voters: [...voters] };
  const { index: applied, term } = BOOTSTRAP;
  const hardState = { term, vote: 0n, commit: applied };
  return { ...blankState(), hardState, confState, applied, start: BOOTSTRAP };
}

/**
 * State of a node that joins a group: it knows no voters, so it never campaigns, and learns
 * everything from a snapshot. Were it to bootstrap itself, joiners could found a second group.
 */
export function blankState(): RaftState {
  return {
    hardState: { term: 0n, vote: 0n, commit: 0n },
    confState: { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
    applied: 0n,
    data: new Uint8Array(0),
    start: { index: 0n, term: 0n },
    entries: [],
  };
}
