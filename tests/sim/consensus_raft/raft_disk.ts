import assert from "node:assert/strict";
import { blankState, type RaftState } from "../../../services/consensus/raft/core/interface.ts";
import { encodeBatch, readLog } from "../../../services/consensus/raft/log/batch.ts";
import type { Operation } from "../../../services/consensus/raft/log/operation.ts";
import { applyOperations, compactOperations } from "../../../services/consensus/raft/log/state.ts";
import { losingPages } from "../../../services/consensus/raft/testing/crashing_files.ts";
import { concatBytes } from "../../../shared/bytes/mod.ts";
import { seededRandom } from "../../../shared/clock/mod.ts";

/** The log of a node on disk: one file, to which batches of records are added. */
export class RaftDisk {
  #synced: RaftState;
  /** Batches that a crash may undo, from any one on. */
  #pending: (readonly Operation[])[] = [];

  constructor(state: RaftState) {
    this.#synced = state;
  }

  write(operations: readonly Operation[]): void {
    if (operations.length > 0) this.#pending.push(operations);
  }

  /** From here on nothing that was written can be lost. */
  sync(): void {
    this.#synced = applyOperations(this.#synced, this.#pending.flat());
    this.#pending = [];
  }

  /** Leaves a share of what was not synced; of the batch after that some pages are on disk. */
  crash(share: number): void {
    const [torn] = this.#pending.splice(Math.floor(share * (this.#pending.length + 1)));
    this.sync();
    if (torn === undefined || share === 0) return;
    this.#synced = applyOperations(this.#synced, this.#leftOf(torn, share));
  }

  /** What a node reads of a batch some pages of which are empty. */
  #leftOf(torn: readonly Operation[], share: number): readonly Operation[] {
    const { hardState } = this.#synced;
    const before = compactOperations(this.#synced);
    const log = encodeBatch(before, { hardState: blankState().hardState, offset: 0 });
    const batch = encodeBatch(torn, { hardState, offset: log.length });
    const tear = losingPages(seededRandom(Math.floor(share * 2 ** 32)));
    const bytes = concatBytes(log, tear(batch, log.length, 0));
    const { operations, goodSize, isTorn } = readLog(bytes);
    assert(isTorn || goodSize === bytes.length, "a torn batch is taken for a damaged one");
    return operations.slice(before.length);
  }

  /** Starts a new file without what was applied, and gives the last index that it lacks. */
  compact(): bigint {
    this.sync();
    this.#synced = applyOperations(blankState(), compactOperations(this.#synced));
    return this.#synced.start.index;
  }

  /** What a node knows when it starts. */
  load(): RaftState {
    return this.#synced;
  }
}
