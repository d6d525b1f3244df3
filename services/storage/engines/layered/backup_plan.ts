/**
 * What a backup does next: decisions only, the shell around it talks to disk and cloud.
 *
 * @module
 */

import { type Bytes, concatBytes, readU64be, u32be, u64be } from "../../../../shared/bytes/mod.ts";
import type { Random } from "../../../../shared/clock/mod.ts";

/** The last block that is in the cloud as a whole; null when there is none. */
export type CopiedUpTo = bigint | null;

const PROGRESS_SIZES = [8, 12];

/**
 * Reads the record of the progress (spec/storage_kms.md A10): the height, then an index that an
 * older form lacks. The index is ignored: a block is begun again from its start.
 *
 * @returns null for bytes of another form
 */
export function readProgress(record: Bytes): bigint | null {
  return PROGRESS_SIZES.includes(record.length) ? readU64be(record) : null;
}

/** The record of the progress for a block that is copied as a whole. */
export function encodeProgress(height: bigint): Bytes {
  return concatBytes(u64be(height), u32be(0));
}

/**
 * The next block to copy, null when the cloud is up to date. The local chain's last block is left
 * out: its result may not have been stored yet.
 */
export function nextToCopy(copiedUpTo: CopiedUpTo, localHeight: bigint): bigint | null {
  const next = copiedUpTo === null ? 0n : copiedUpTo + 1n;
  return next < localHeight ? next : null;
}

/** How far this machine and the cloud are. */
export interface RemovalState {
  /** The last block whose records were removed; null when there is none. */
  readonly removedUpTo: bigint | null;
  readonly localHeight: bigint;
  /** Blocks that stay on this machine. */
  readonly capacity: bigint;
  readonly copiedUpTo: CopiedUpTo;
}

/** The next block that may leave this machine after its records were found in the cloud. */
export function nextToRemove(state: RemovalState): bigint | null {
  const { removedUpTo, localHeight, capacity, copiedUpTo } = state;
  const next = removedUpTo === null ? 0n : removedUpTo + 1n;
  const isOld = next + capacity <= localHeight;
  return isOld && copiedUpTo !== null && next <= copiedUpTo ? next : null;
}

/** A time of the interval's length, a third more or less: nodes of a bucket do not keep step. */
export function nextIntervalMs(intervalMs: number, random: Random): number {
  return Math.round(intervalMs * (2 + 2 * random()) / 3);
}
