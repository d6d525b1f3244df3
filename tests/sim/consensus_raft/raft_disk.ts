import { blankState, type RaftState } from "../../../services/consensus/raft/core/interface.ts";
import type { Operation } from "../../../services/consensus/raft/log/operation.ts";
import { applyOperations, compactOperations } from "../../../services/consensus/raft/log/state.ts";

/** The log of a node on disk: one file, to which records are added. */
export class RaftDisk {
  #synced: RaftState;
  /** Records that a crash may cut off, from any one on. */
  #pending: Operation[] = [];

  constructor(state: RaftState) {
    this.#synced = state;
  }

  write(operations: readonly Operation[]): void {
    this.#pending.push(...operations);
  }

  /** From here on nothing that was written can be lost. */
  sync(): void {
    this.#synced = applyOperations(this.#synced, this.#pending);
    this.#pending = [];
  }

  /** Leaves a share of what was not synced. */
  crash(share: number): void {
    this.#pending.length = Math.floor(share * (this.#pending.length + 1));
    this.sync();
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
