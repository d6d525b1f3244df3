import assert from "node:assert/strict";
import { ConsensusConfiguration } from "../../../proto/gen/common.ts";
import type { Entry } from "../../../services/consensus/raft/core/messages.ts";
import { type Bytes, readU64be, u64be } from "../../../shared/bytes/mod.ts";
import { decode, encode } from "../../../shared/codec/mod.ts";

/** What an application has become by the entries up to an index; the digest depends on all of them. */
export interface AppState {
  readonly index: bigint;
  readonly digest: bigint;
}

/** State after one more entry. */
export function nextState({ index, digest }: AppState, entry: Entry): AppState {
  assert.equal(entry.index, index + 1n, "An entry is applied before those that precede it");
  const data = entry.data.reduce((sum, byte) => Math.imul(sum, 257) + byte + 1 >>> 0, 0);
  const parts = [entry.term, BigInt(entry.entryType), BigInt(data)];
  const mix = (sum: bigint, part: bigint) =>
    BigInt.asUintN(64, (sum ^ part) * 0x9e3779b97f4a7c15n + 1n);
  return { index: entry.index, digest: parts.reduce(mix, digest) };
}

/** A state as the data of a snapshot. */
export function encodeState({ index: height, digest }: AppState): Bytes {
  const validators = [u64be(digest)];
  return encode(ConsensusConfiguration, { height, blockInterval: 0, validators });
}

/** Reads what {@linkcode encodeState} wrote; no data is the state of a node that knows nothing. */
export function decodeState(data: Bytes): AppState {
  const { height: index, validators: [digest] } = decode(ConsensusConfiguration, data);
  return { index, digest: digest === undefined ? 0n : readU64be(digest, 0) };
}

/**
 * What entries are applied to. As the controller it is another process with a disk of its own: it
 * outlives crashes, so that it may be told of an entry again, which changes nothing.
 */
export class Application {
  constructor(public state: AppState) {}

  /** Applies an entry; false when that fails, for others as if it had not been asked. */
  apply(entry: Entry, isFailing: boolean): boolean {
    if (entry.index <= this.state.index) return true;
    if (!isFailing) this.state = nextState(this.state, entry);
    return !isFailing;
  }

  /** Takes over the state of a snapshot, unless it is further already. */
  install(data: Bytes): void {
    const state = decodeState(data);
    if (state.index > this.state.index) this.state = state;
  }
}
