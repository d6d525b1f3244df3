import { ConsensusConfiguration } from "../../../../proto/gen/common.ts";
import {
  type ConfState,
  type Entry,
  EntryType,
  type Snapshot,
} from "../../../../proto/gen/eraftpb.ts";
import { EMPTY_BYTES } from "../../../../shared/bytes/mod.ts";
import { encode } from "../../../../shared/codec/mod.ts";
import { Kind, type Operation } from "../log/operation.ts";
import { blankState, type RaftState } from "../core/interface.ts";

/** An entry of a term at an index. */
export function entry(term: bigint, index: bigint, data = EMPTY_BYTES): Entry {
  return {
    entryType: EntryType.ENTRY_NORMAL,
    term,
    index,
    data,
    syncLog: false,
    context: EMPTY_BYTES,
  };
}

/** The record of entries, given as pairs of term and index. */
export function appendOf(...places: readonly (readonly [bigint, bigint])[]): Operation {
  return { kind: Kind.Append, entries: places.map(([term, index]) => entry(term, index)) };
}

/** The record of an applied index. */
export function appliedOf(index: bigint): Operation {
  return { kind: Kind.Applied, index };
}

/** The record of a hard state. */
export function hardStateOf(term: bigint, vote: bigint, commit: bigint): Operation {
  return { kind: Kind.HardState, hardState: { term, vote, commit } };
}

/** A conf state with these voters only. */
export function votersOf(...voters: bigint[]): ConfState {
  return { ...blankState().confState, voters };
}

/** The record of a snapshot. */
export function snapshotRecord(
  place: Pick<RaftState["start"], "index" | "term">,
  confState = votersOf(1n),
  configuration: ConsensusConfiguration = ConsensusConfiguration.fromPartial({}),
): Operation {
  const snapshot: Snapshot = {
    data: encode(ConsensusConfiguration, configuration),
    metadata: { confState, ...place },
  };
  return { kind: Kind.Snapshot, snapshot };
}

/** Terms and indexes of the entries in memory, as in `(1,1)(1,2)`. */
export function placesOf({ entries }: RaftState): string {
  return entries.map(({ term, index }) => `(${term},${index})`).join("");
}
