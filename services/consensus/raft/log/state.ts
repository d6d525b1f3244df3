/**
 * How the records of its log change what a raft node remembers.
 *
 * @module
 */

import { ConsensusConfiguration } from "../../../../proto/gen/common.ts";
import type { Entry, HardState, Snapshot } from "../../../../proto/gen/eraftpb.ts";
import { unreachable } from "../../../../shared/assert/mod.ts";
import { decode, encode, tryDecode } from "../../../../shared/codec/mod.ts";
import { NUMBER_END } from "../../numbers.ts";
import { blankState, type RaftState } from "../core/interface.ts";
import { maxOf, minOf } from "../core/progress.ts";
import { termAt } from "../core/raft_log.ts";
import { Kind, type Operation } from "./operation.ts";

/** A record that does not fit what was recorded before: going on would lose or fork the log. */
export class RaftLogError extends Error {
  override name = "RaftLogError";
}

/** A snapshot older than what the log starts with. */
export class SnapshotOutOfDateError extends RaftLogError {
  override name = "SnapshotOutOfDateError";
}

/**
 * So many applied entries stay in memory: a follower that is no further behind is sent entries, any
 * other the snapshot.
 */
export const APPLIED_KEPT = 32n;

/** The state after some records; throws a {@linkcode RaftLogError} at the first that does not fit. */
export function applyOperations(state: RaftState, operations: readonly Operation[]): RaftState {
  return operations.reduce(applyOperation, state);
}

function applyOperation(state: RaftState, operation: Operation): RaftState {
  switch (operation.kind) {
    case Kind.HardState:
      return withHardState(state, operation.hardState);
    case Kind.ConfState:
      return { ...state, confState: operation.confState };
    case Kind.Snapshot:
      return applySnapshot(state, operation.snapshot);
    case Kind.Append:
      return append(state, operation.entries);
    case Kind.Applied:
      return forgetApplied(advanceApplied(state, operation.index));
    case Kind.BlockHeight:
      return withConfiguration(state, { ...configurationOf(state), height: operation.height });
    case Kind.Configuration:
      return withConfiguration(state, operation.configuration);
    default:
      return unreachable(operation);
  }
}

/** The configuration of the controller; its height is the last that was applied. */
export function configurationOf({ data }: RaftState): ConsensusConfiguration {
  return decode(ConsensusConfiguration, data);
}

/** The index of the last entry. */
export function lastIndexOf({ start, entries }: RaftState): bigint {
  return start.index + BigInt(entries.length);
}

/** The state as of the last applied entry, for a follower that is too far behind. */
export function snapshotOf(state: RaftState): Snapshot {
  const { applied: index, confState, data } = state;
  const term = termAt(state, index);
  if (term === null) throw new RaftLogError(`The term of the applied entry ${index} is unknown`);
  return { data, metadata: { confState, index, term } };
}

/** The shortest records that lead from nothing to the state. */
export function compactOperations(state: RaftState): Operation[] {
  const { hardState, start, applied } = state;
  return [
    { kind: Kind.Snapshot, snapshot: snapshotOf(state) },
    { kind: Kind.HardState, hardState },
    { kind: Kind.Append, entries: state.entries.slice(Number(applied - start.index)) },
  ];
}

function withConfiguration(state: RaftState, configuration: ConsensusConfiguration): RaftState {
  return { ...state, data: encode(ConsensusConfiguration, configuration) };
}

/** A commit index never goes back. */
function withHardState(state: RaftState, { term, vote, commit }: HardState): RaftState {
  checkNumbers(term, commit);
  return { ...state, hardState: { term, vote, commit: maxOf(commit, state.hardState.commit) } };
}

/** Entries behind the snapshot stay only when they continue it. */
function applySnapshot(state: RaftState, { data, metadata }: Snapshot): RaftState {
  const { index = 0n, term = 0n, confState = blankState().confState } = metadata ?? {};
  checkNumbers(index, term);
  const { start, hardState } = state;
  if (index < start.index) {
    throw new SnapshotOutOfDateError(
      `The snapshot at index ${index} is older than the log, which starts after ${start.index}`,
    );
  }
  if (tryDecode(ConsensusConfiguration, data) === null) {
    throw new RaftLogError(`The configuration in the snapshot at index ${index} is malformed`);
  }
  const isContinued = termAt(state, index) === term;
  const entries = isContinued ? state.entries.slice(Number(index - start.index)) : [];
  const isNewTerm = term > hardState.term;
  return {
    hardState: {
      term: isNewTerm ? term : hardState.term,
      vote: isNewTerm ? 0n : hardState.vote,
      commit: maxOf(index, hardState.commit),
    },
    confState,
    start: { index, term },
    entries,
    applied: index,
    data,
  };
}

/** Takes entries over in place of those from the first one on. */
function append(state: RaftState, added: readonly Entry[]): RaftState {
  const { start, entries, hardState } = state;
  const first = added[0];
  if (first === undefined) return state;
  for (const { index, term } of added) checkNumbers(index, term);
  const last = lastIndexOf(state);
  const isInOrder = added.every(({ index }, position) => index === first.index + BigInt(position));
  if (!isInOrder || first.index > last + 1n) {
    const indexes = added.map(({ index }) => index).join(", ");
    throw new RaftLogError(`Entries ${indexes} leave a gap in the log, which ends at ${last}`);
  }
  const committed = minOf(hardState.commit, last);
  if (first.index <= start.index || first.index <= committed) {
    throw new RaftLogError(
      `Entry ${first.index} would replace one that is committed, up to ${committed}`,
    );
  }
  const kept = entries.slice(0, Number(first.index - start.index) - 1);
  return { ...state, entries: [...kept, ...added] };
}

/** What was applied is committed, although the reference records that later. */
function advanceApplied(state: RaftState, index: bigint): RaftState {
  const { hardState, applied } = state;
  const last = lastIndexOf(state);
  if (index < applied || index > last) {
    throw new RaftLogError(`Entry ${index} cannot be applied after ${applied} of ${last}`);
  }
  const commit = maxOf(index, hardState.commit);
  return { ...state, applied: index, hardState: { ...hardState, commit } };
}

function forgetApplied(state: RaftState): RaftState {
  const { start, entries, applied } = state;
  const index = applied - APPLIED_KEPT;
  const term = termAt(state, index);
  if (index <= start.index || term === null) return state;
  return { ...state, start: { index, term }, entries: entries.slice(Number(index - start.index)) };
}

function checkNumbers(...numbers: readonly bigint[]): void {
  const wrong = numbers.find((number) => number >= NUMBER_END);
  if (wrong === undefined) return;
  throw new RaftLogError(`The term or index ${wrong} is out of range: it must be below 2^63`);
}
